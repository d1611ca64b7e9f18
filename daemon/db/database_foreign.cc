// Database: changes that are not SQLite's own, as when files of a database are copied into the
// mount in any order, or over one that is in use. The position must stand for what a reader finds
// in the files, whoever wrote them.

#include <algorithm>

#include "daemon/db/database_internal.h"
#include "ltx/checksum.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::db {

bool Database::has_foreign_changes() const {
  const std::lock_guard lock(mutex_);
  return foreign_ && held_ == nullptr;
}

void Database::commit_foreign(Done done) {
  Status result;
  {
    const std::lock_guard lock(mutex_);
    if (foreign_ && check_idle(FileKind::kWal)) result = commit_everything();
  }
  done(std::move(result));
}

// Beside frames, the database file is written by checkpoints alone.
Status Database::check_checkpoint_write(uint64_t offset, ByteView data) {
  const TableState& state = history_->state();
  TRY(check_beside_frames(offset, data.size()));
  if (data.size() != state.page_bytes || offset % data.size() != 0) return {};
  const PageNo pgno(static_cast<uint32_t>(offset / data.size()) + 1);
  wal_.checkpointed(pgno, ltx::page_checksum(pgno, data) == history_->table().get(pgno));
  return {};
}

// Checkpoints write pages that have a frame. Everything else shows through for readers.
Status Database::check_beside_frames(uint64_t offset, uint64_t bytes) {
  const TableState& state = history_->state();
  if (foreign_ || state.page_bytes == 0 || bytes == 0) return {};
  TRY_ASSIGN(const bool indexed, wal_.build_index());
  if (!indexed) return {};  // a WAL so large that looking would cost more than it brings
  const uint64_t first = offset / state.page_bytes + 1;
  const uint64_t last =
      std::min<uint64_t>((offset + bytes - 1) / state.page_bytes + 1, state.commit);
  const PageNo lock = sqlite::lock_page(*PageSize::of(state.page_bytes));
  for (uint64_t p = first; p <= last && !foreign_; ++p) {
    const PageNo pgno(static_cast<uint32_t>(p));
    foreign_ = !wal_.knows(pgno) && pgno != lock;
  }
  return {};
}

// The frames go, and what shows then is the database file as it is. It must have every page that
// stood in a frame; SQLite before 3.51.3 can lose some here.
Status Database::check_before_frames_go() {
  const TableState& state = history_->state();
  if (foreign_) {
    foreign_ = false;
    unjournaled_ = true;
    rollback_.wrote(history_->table(), 0, uint64_t{state.commit} * state.page_bytes);
    return {};
  }
  if (!file(FileKind::kDatabase)) return {};
  for (const PageNo pgno : wal_.not_checkpointed()) {
    if (pgno.value() > state.commit) continue;
    TRY_ASSIGN(const bool differs, differs_from_table(pgno));
    if (!differs) continue;
    unjournaled_ = true;
    const PageSize size = *PageSize::of(state.page_bytes);
    rollback_.wrote(history_->table(), page_offset(pgno, size), size.bytes());
  }
  return {};
}

// Every page as a reader finds it; those that are as they were drop out.
Status Database::commit_everything() {
  TRY(env_.gate.may_write(*this));
  const TableState& state = history_->state();
  ChangeSet set;
  set.page_size = *PageSize::of(state.page_bytes);
  set.commit = state.commit;
  const PageNo lock = sqlite::lock_page(set.page_size);
  for (uint32_t p = 1; p <= set.commit; ++p) {
    if (p == lock.value()) continue;
    TRY_ASSIGN(const uint32_t frame, wal_.frame_of(PageNo(p)));
    set.changes.push_back({PageNo(p), frame});
  }
  WalPages pages(wal_, file(FileKind::kDatabase).get(), set.page_size, scratch_);
  TRY_ASSIGN(staged_, history_->stage(set, pages, stamp()));
  if (staged_) publish();
  foreign_ = false;
  return {};
}

// Before a WAL is begun: what the database file holds by then is committed, since SQLite (or a
// copy) goes on from there. It is not asked whether a replica confirms it: the WAL's write would be
// held in its midst.
Status Database::settle_file_changes() {
  if (!unjournaled_ || held_ != nullptr) return {};
  TRY(env_.gate.may_write(*this));
  TRY_ASSIGN(staged_, stage_file_changes());
  std::move_only_function<Status()> nothing = []() -> Status { return {}; };
  return finish_file_commit(nothing);
}

// SQLite removes a WAL that stands beside an empty database: its frames mean nothing. Those that
// are copied in before their database count from when that is there.
Result<bool> Database::may_follow_wal(const sqlite::WalHeader& header) {
  auto& database = file(FileKind::kDatabase);
  if (!database || unjournaled_) return false;
  TRY_ASSIGN(const auto info, database->info());
  const TableState& state = history_->state();
  return info.bytes != 0 && (state.commit == 0 || state.page_bytes == header.page_size.bytes());
}

// The database is there now: takes up a WAL that was not followed.
Status Database::follow_waiting_wal() {
  auto& wal = file(FileKind::kWal);
  if (!wal || wal_.chain().header()) return {};
  std::array<std::byte, sqlite::kWalHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, wal->read_at(os::Site("wal:follow"), 0, raw));
  const auto header = sqlite::decode_wal_header(ByteView(raw).first(n));
  if (!header) return {};
  TRY_ASSIGN(const bool may_follow, may_follow_wal(*header));
  if (!may_follow) return {};
  TRY_ASSIGN(const auto info, wal->info());
  wal_.resume(*header, {0, header->checksum, header->checksum}, info.bytes);
  history_->note_wal(header->salt, {0, header->checksum, header->checksum});
  return take_commits_of_wal();
}

// Every commit that the WAL holds and the history does not.
Status Database::take_commits_of_wal() {
  for (;;) {
    TRY_ASSIGN(const auto effect, wal_.scan());
    if (effect != WalCapture::Effect::kCompletes) return {};
    TRY_ASSIGN(auto changes, wal_.changes(history_->state().commit));
    WalPages pages(wal_, file(FileKind::kDatabase).get(), changes.page_size, scratch_);
    TRY_ASSIGN(staged_, history_->stage(changes, pages, stamp()));
    wal_.commit();
    if (staged_) {
      publish();
    } else {
      history_->note_wal(*wal_.salt(), wal_.chain().end());
    }
  }
}

}  // namespace skerry::db
