// Database: writes to the WAL, its restart, and the commits in it.

#include <fmt/format.h>

#include <algorithm>

#include "daemon/db/database_internal.h"
#include "daemon/os/blocking.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::db {

using Effect = WalCapture::Effect;

// A transaction of so many frames is taken for one that will have many more.
static constexpr size_t kGrowingFrames = 512;
static constexpr uint64_t kWalAheadBytes = 4 << 20;

Database::Outcome Database::write_wal(uint64_t offset, ByteView data) {
  if (!wal_.has_frames()) {
    if (auto settled = settle_file_changes(); !settled) return settled;
  }
  if (const uint64_t end = offset + data.size(); end > wal_bytes_) {
    const uint64_t frames = wal_.chain().tail().size();
    const uint64_t record = frames == 0 ? 0 : frames * wal_.chain().header()->page_size.bytes();
    if (auto space = check_space(data.size(), record); !space) return space;
  }
  while (!data.empty()) {
    // Asked for each piece: the right to write may end between two commits of one large write.
    if (auto allowed = env_.gate.may_write(*this); !allowed) return allowed;
    auto offered = wal_.offer(offset, data);
    if (!offered) return std::unexpected(std::move(offered).error());
    if (offered->effect == Effect::kRewinds) {
      if (auto rewound = rewind_wal(offset); !rewound) return rewound;
      continue;
    }
    const ByteView piece = data.first(offered->bytes);
    const ByteView rest = data.subspan(offered->bytes);
    Outcome outcome = write_wal_piece(offered->effect, offset, piece, rest);
    if (!outcome || !*outcome) return outcome;
    offset += piece.size();
    data = rest;
  }
  return Status{};
}

Database::Outcome Database::write_wal_piece(Effect effect, uint64_t offset, ByteView piece,
                                            ByteView rest) {
  switch (effect) {
    case Effect::kRestart:
      return restart_wal(piece);
    case Effect::kCompletes:
      return commit_wal(offset, piece, rest);
    case Effect::kRepeats:
    case Effect::kRewinds:
      return Status{};
    case Effect::kTail:
      break;
  }
  auto written = file(FileKind::kWal)->write_at(os::Site("wal:write"), offset, piece);
  if (!written) {
    wal_.forget_unwritten();
    return written;
  }
  notice_wal_growth(offset + piece.size());
  return Status{};
}

// A large transaction appends page after page, and each write at the end of a file costs a request
// more than one within it.
void Database::notice_wal_growth(uint64_t write_end) {
  wal_bytes_ = std::max(wal_bytes_, write_end);
  if (wal_.chain().tail().size() < kGrowingFrames) {
    wal_extended_to_ = 0;
    return;
  }
  if (write_end + kWalAheadBytes / 2 <= wal_extended_to_) return;
  const uint64_t from = std::max(wal_bytes_, wal_extended_to_);
  wal_extended_to_ = from + kWalAheadBytes;
  env_.cache.extend_wal(*this, from, kWalAheadBytes);
}

// The log must be durable before what it could be derived from is overwritten; but only for an
// application that syncs at all.
Status Database::sync_log_if_application_syncs() {
  if (!wal_synced_ || history_->log().synced() >= history_->position().txid) return {};
  const os::BlockingScope blocking;
  return history_->log().sync();
}

Status Database::restart_wal(ByteView data) {
  TRY(sync_log_if_application_syncs());
  TRY(file(FileKind::kWal)->write_at(os::Site("wal:restart"), 0, data));
  auto header = sqlite::decode_wal_header(data);
  TRY(check_before_frames_go());
  wal_.restart(std::nullopt);
  TRY(settle_file_changes());
  if (header) {
    TRY_ASSIGN(const bool may_follow, may_follow_wal(*header));
    if (!may_follow) header.reset();
  }
  wal_.restart(header);
  wal_synced_ = false;
  if (header) history_->note_wal(header->salt, {0, header->checksum, header->checksum});
  env_.cache.warm_wal(*this);
  return {};
}

Status Database::before_wal_shrinks(uint64_t bytes) {
  if (bytes >= wal_.chain().offset_after(wal_.chain().end().frames)) return {};
  TRY(check_before_frames_go());
  return sync_log_if_application_syncs();
}

Database::Outcome Database::commit_wal(uint64_t offset, ByteView piece, ByteView rest) {
  const auto refuse = [this](Error error) -> Outcome {
    wal_.refuse();
    return std::unexpected(std::move(error));
  };
  auto changes = wal_.changes(history_->state().commit);
  if (!changes) return refuse(std::move(changes).error());
  WalPages pages(wal_, file(FileKind::kDatabase).get(), changes->page_size, scratch_);
  auto staged = history_->stage(*changes, pages, stamp());
  if (!staged) return refuse(std::move(staged).error());
  staged_ = *staged;
  if (staged_) {
    staged_->images = wal_images(*changes, pages);
    auto decision = env_.gate.may_commit(*this, *staged_);
    if (!decision) {
      (void)history_->abandon();
      return refuse(std::move(decision).error());
    }
    if (*decision == CommitGate::Decision::kHold) {
      return hold({offset, {piece.begin(), piece.end()}, {rest.begin(), rest.end()}, {}, {}});
    }
  }
  return finish_wal_commit(offset, piece);
}

// Null if nobody wants them, or they cannot be had: what they are for works without them.
std::shared_ptr<const CommitImages> Database::wal_images(const ChangeSet& set, PageReader& pages) {
  return images(set, pages, [&](PageNo pgno) -> ByteView {
    // Without an index the page would have to be looked for in all of the WAL.
    if (!wal_.indexed() && !wal_.knows(pgno)) return {};
    const auto frame = wal_.frame_of(pgno);
    if (!frame) return {};
    const auto page = pages.read({pgno, *frame});
    return page ? *page : ByteView();
  });
}

Status Database::finish_wal_commit(uint64_t offset, ByteView piece) {
  auto written = file(FileKind::kWal)->write_at(os::Site("commit:wal:write"), offset, piece);
  if (written && wal_.needs_resum()) written = resum_wal();
  if (written && staged_) {
    written = env_.gate.may_acknowledge(*this);
    if (!written) blank_commit(offset, piece.size());
  }
  if (!written) {
    wal_.forget_unwritten();
    if (staged_) (void)history_->abandon();
    return written;
  }
  wal_.commit();
  wal_synced_ = false;
  if (staged_) {
    staged_->appears_later = true;
    publish();
  } else {
    history_->note_wal(*wal_.salt(), wal_.chain().end());
  }
  return {};
}

// A commit frame that must not be one: no recovery may find it.
void Database::blank_commit(uint64_t offset, size_t bytes) {
  const Bytes zeros(bytes);
  (void)file(FileKind::kWal)->write_at(os::Site("commit:wal:blank"), offset, zeros);
}

Status Database::resum_wal() {
  auto& wal = *file(FileKind::kWal);
  TRY(wal_.resum([&wal](uint64_t at, ByteView header) {
    return wal.write_at(os::Site("commit:wal:resum"), at, header);
  }));
  // The kernel's cache has the frames as the writer left them; a later recovery must not.
  env_.cache.invalidate(*this, FileKind::kWal, 0, 0);
  return {};
}

// The writer of the last commit ended, or failed, before it told the wal-index, and the next writer
// overwrites its frames: what was recorded never became visible, so the history takes it back by a
// transaction that restores the pages.
Status Database::rewind_wal(uint64_t offset) {
  const sqlite::WalHeader header = *wal_.chain().header();
  const sqlite::WalEnd old_end = wal_.chain().end();
  TRY(wal_.rewind(offset));
  auto reverted = revert_frames(old_end);
  if (!reverted) {
    // Refused: everything stays as it was captured, and the write fails.
    wal_.resume(header, old_end, wal_.chain().offset_after(old_end.frames));
  }
  return reverted;
}

Status Database::revert_frames(sqlite::WalEnd old_end) {
  TRY_ASSIGN(ChangeSet set, reverting_changes(old_end));
  WalPages pages(wal_, file(FileKind::kDatabase).get(), set.page_size, scratch_);
  TRY_ASSIGN(staged_, history_->stage(set, pages, stamp()));
  if (!staged_) return {};
  if (auto decision = env_.gate.may_commit(*this, *staged_); !decision) {
    (void)history_->abandon();
    return std::unexpected(std::move(decision).error());
  }
  publish();
  return {};
}

Result<ChangeSet> Database::reverting_changes(sqlite::WalEnd old_end) {
  const sqlite::WalHeader header = *wal_.chain().header();
  const uint32_t kept = wal_.chain().end().frames;
  ChangeSet set;
  set.page_size = header.page_size;
  set.wal_salt = header.salt;
  TRY_ASSIGN(set.commit, committed_pages_at(kept));
  std::array<std::byte, sqlite::kWalFrameHeaderBytes> raw;
  const auto read_head = [&](uint32_t frame) -> Result<sqlite::WalFrameHeader> {
    const uint64_t at = sqlite::wal_frame_offset(frame, header.page_size);
    TRY(file(FileKind::kWal)->read_at(os::Site("wal:revert:read"), at, raw));
    return sqlite::decode_wal_frame_header(raw);
  };
  const PageNo lock = sqlite::lock_page(header.page_size);
  for (uint32_t frame = kept + 1; frame <= old_end.frames; ++frame) {
    TRY_ASSIGN(const auto head, read_head(frame));
    if (head.pgno.value() > set.commit || head.pgno == lock) continue;
    TRY_ASSIGN(const uint32_t newest, wal_.frame_of(head.pgno));
    set.changes.push_back({head.pgno, newest});
  }
  std::ranges::sort(set.changes, {}, &Change::pgno);
  const auto doubles = std::ranges::unique(set.changes, {}, &Change::pgno);
  set.changes.erase(doubles.begin(), doubles.end());
  for (uint32_t p = history_->state().commit + 1; p <= set.commit; ++p) {
    TRY_ASSIGN(const uint32_t newest, wal_.frame_of(PageNo(p)));
    if (p != lock.value()) set.changes.push_back({PageNo(p), newest});
  }
  return set;
}

Result<uint32_t> Database::committed_pages_at(uint32_t frames) {
  if (frames == 0) {
    TRY_ASSIGN(const auto header, read_header());
    if (!header) return 0;
    TRY_ASSIGN(const auto info, file(FileKind::kDatabase)->info());
    return header->pages(info.bytes);
  }
  std::array<std::byte, sqlite::kWalFrameHeaderBytes> raw;
  const uint64_t at = sqlite::wal_frame_offset(frames, wal_.chain().header()->page_size);
  TRY(file(FileKind::kWal)->read_at(os::Site("wal:revert:read"), at, raw));
  return sqlite::decode_wal_frame_header(raw).commit;
}

}  // namespace skerry::db
