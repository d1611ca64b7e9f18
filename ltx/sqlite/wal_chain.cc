#include "ltx/sqlite/wal_chain.h"

#include <algorithm>

#include "ltx/base/invariant.h"

namespace skerry::sqlite {

static bool is_unsummed(ByteView frame) {
  return load_be64(&frame[8]) == 0 && load_be64(&frame[16]) == 0;
}

uint64_t WalChain::offset_after(uint32_t frames) const {
  return header_ ? wal_frame_offset(frames + 1, header_->page_size) : 0;
}

void WalChain::resume(const WalHeader& header, WalEnd end, uint64_t file_bytes) {
  restart(header);
  end_ = end;
  tail_checksum_ = end.writer_checksum;
  written_bytes_ = file_bytes;
}

void WalChain::restart(const std::optional<WalHeader>& header) {
  header_ = header;
  const WalChecksum start = header ? header->checksum : WalChecksum{};
  end_ = {0, start, start};
  tail_.clear();
  summed_ = 0;
  unsummed_ = false;
  tail_checksum_ = start;
  header_frame_ = resum_from_ = 0;
  commit_pages_ = 0;
  written_bytes_ = kWalHeaderBytes;
  filled_ = 0;
  if (header) frame_.resize(wal_frame_bytes(header->page_size));
}

void WalChain::truncate(uint64_t file_bytes) {
  if (!header_) return;
  if (file_bytes < offset_after(end_.frames)) {
    restart(file_bytes < kWalHeaderBytes ? std::nullopt : header_);
    return;
  }
  written_bytes_ = std::min(written_bytes_, file_bytes);
  if (file_bytes < offset_after(frontier())) {
    tail_.clear();
    summed_ = 0;
    unsummed_ = false;
    tail_checksum_ = end_.writer_checksum;
    filled_ = 0;
  }
}

WalEnd WalChain::commit_end() const {
  const WalChecksum disk = resummed_.value_or(tail_checksum_);
  return {end_.frames + static_cast<uint32_t>(tail_.size()), disk, tail_checksum_};
}

ByteView WalChain::last_page() const {
  INVARIANT(commit_pages_ != 0);
  return ByteView(frame_).subspan(kWalFrameHeaderBytes);
}

Result<WalChain::Outcome> WalChain::offer(uint64_t offset, ByteView data, WalFile& file) {
  INVARIANT(commit_pages_ == 0);
  if (data.empty()) return Outcome{};
  if (offset < kWalHeaderBytes) {
    if (offset != 0 || data.size() < kWalHeaderBytes) return Outcome{Effect::kTail, data.size()};
    return offer_header(data.first(kWalHeaderBytes), file);
  }
  if (!header_) return Outcome{Effect::kTail, data.size()};
  const uint64_t frame_bytes = wal_frame_bytes(header_->page_size);
  const uint64_t frame = (offset - kWalHeaderBytes) / frame_bytes + 1;
  if (frame > UINT32_MAX) return fail(Errc::kNoSpace, "WAL: more than 2^32 frames");
  const uint64_t frame_end = wal_frame_offset(static_cast<uint32_t>(frame) + 1, header_->page_size);
  const ByteView piece = data.first(std::min<uint64_t>(data.size(), frame_end - offset));
  if (frame <= end_.frames) return offer_committed(offset, piece, file);
  return offer_frame(static_cast<uint32_t>(frame), offset, piece, file);
}

Result<WalChain::Outcome> WalChain::offer_header(ByteView data, WalFile& file) {
  std::array<std::byte, kWalHeaderBytes> current;
  TRY_ASSIGN(const size_t n, file.read_at(0, current));
  const bool same = n == current.size() && equal(current, data) && header_;
  return Outcome{same ? Effect::kRepeats : Effect::kRestart, data.size()};
}

Result<WalChain::Outcome> WalChain::offer_committed(uint64_t offset, ByteView data, WalFile& file) {
  Bytes current(data.size());
  TRY_ASSIGN(const size_t n, file.read_at(offset, current));
  const bool same = n == current.size() && equal(current, data);
  return Outcome{same ? Effect::kRepeats : Effect::kRewinds, data.size()};
}

Result<WalChain::Outcome> WalChain::offer_frame(uint32_t frame, uint64_t offset, ByteView data,
                                                WalFile& file) {
  if (frame < frontier()) TRY(step_back(frame, file));
  const uint64_t start = wal_frame_offset(frame, header_->page_size);
  const uint64_t frame_end = start + frame_.size();
  const uint64_t write_end = offset + data.size();
  const bool page_was_there = frame_end <= written_bytes_;
  written_bytes_ = std::max(written_bytes_, write_end);
  TRY(notice_resumming(frame, offset - start, data, file));
  const bool appended = follow_rewrites(frame, offset - start, data);
  bool commits = false;
  if (frame == frontier() && (write_end == frame_end || page_was_there)) {
    TRY(fill_frontier(offset - start, data, file));
    TRY_ASSIGN(commits, verify_frontier(file));
  } else if (frame == frontier()) {
    TRY(fill_frontier(offset - start, data, file));
  }
  if (!commits && appended && write_end == frame_end) {
    TRY_ASSIGN(commits, commits_unsummed(frame, data, file));
  }
  return Outcome{commits ? Effect::kCompletes : Effect::kTail, data.size()};
}

// What was written of the frontier before these bytes may be in the file only, from an earlier
// worker of this mount.
Status WalChain::fill_frontier(size_t at, ByteView data, WalFile& file) {
  if (at > filled_) {
    const ByteSpan missing = ByteSpan(frame_).subspan(filled_, at - filled_);
    const uint64_t start = wal_frame_offset(frontier(), header_->page_size);
    TRY_ASSIGN(const size_t n, file.read_at(start + filled_, missing));
    if (n < missing.size()) return {};
    filled_ = at;
  }
  std::memcpy(frame_.data() + at, data.data(), data.size());
  filled_ = std::max(filled_, at + data.size());
  return {};
}

// Notes which frames were written twice, as the writer does, which sums them anew before it
// commits. True if the bytes belong to a frame that is being appended, header first.
bool WalChain::follow_rewrites(uint32_t frame, size_t at, ByteView data) {
  if (at == 0) {
    header_frame_ = frame;
    // A frame with a checksum: nothing is due any more.
    if (data.size() >= kWalFrameHeaderBytes && !is_unsummed(data)) resum_from_ = 0;
    return true;
  }
  const bool appended = header_frame_ == frame;
  if (!appended) resum_from_ = resum_from_ == 0 ? frame : std::min(resum_from_, frame);
  if (at + data.size() == frame_.size()) header_frame_ = 0;
  return appended;
}

// The writer begins to sum frames anew, from this one on, before it commits. What lies between the
// proved frames and this one it leaves without checksum, and goes on from what the frame before
// says.
Status WalChain::notice_resumming(uint32_t frame, size_t at, ByteView data, WalFile& file) {
  const bool resums =
      at == 0 && data.size() >= kWalFrameHeaderBytes && !is_unsummed(data) && frame == resum_from_;
  if (!resums || frame <= frontier()) return {};
  TRY_ASSIGN(const bool accepted, accept_unsummed(frame, file));
  if (!accepted) return {};
  TRY_ASSIGN(tail_checksum_, stored_checksum(frame - 1, file));
  return {};
}

// Takes the frames from the frontier to the one before `end` into the tail although they carry no
// checksum. False, and nothing changed, if they are not such frames.
Result<bool> WalChain::accept_unsummed(uint32_t end, WalFile& file) {
  filled_ = 0;
  while (frontier() < end) {
    TRY_ASSIGN(const size_t n,
               file.read_at(wal_frame_offset(frontier(), header_->page_size), frame_));
    const PageNo pgno(load_be32(frame_.data()));
    if (n < frame_.size() || !is_unsummed(frame_) || pgno == PageNo(0)) {
      tail_.resize(summed_);
      return false;
    }
    file.verified(frontier(), ByteView(frame_).subspan(kWalFrameHeaderBytes));
    tail_.push_back(pgno.value());
  }
  unsummed_ = true;
  return true;
}

// The commit frame of a transaction whose last frames the writer leaves without checksum for good,
// because all that it would sum anew lies behind them (SQLite's walRewriteChecksums).
Result<bool> WalChain::commits_unsummed(uint32_t frame, ByteView data, WalFile& file) {
  if (resum_from_ <= frame) return false;
  Bytes last(frame_.size());
  const size_t before = last.size() - data.size();
  TRY_ASSIGN(const size_t had, file.read_at(wal_frame_offset(frame, header_->page_size),
                                            ByteSpan(last).first(before)));
  std::ranges::copy(data, last.begin() + static_cast<std::ptrdiff_t>(before));
  const auto head = decode_wal_frame_header(ByteView(last).first<kWalFrameHeaderBytes>());
  if (had < before || !is_unsummed(last) || head.commit == 0) return false;
  TRY_ASSIGN(const bool accepted, accept_unsummed(frame, file));
  if (!accepted) return false;
  previous_checksum_ = tail_checksum_;
  TRY_ASSIGN(tail_checksum_, stored_checksum(resum_from_ - 1, file));
  frame_.swap(last);
  file.verified(frame, ByteView(frame_).subspan(kWalFrameHeaderBytes));
  tail_.push_back(head.pgno.value());
  commit_pages_ = head.commit;
  return true;
}

bool WalChain::needs_resum() const {
  return unsummed_ || end_.checksum != end_.writer_checksum;
}

Status WalChain::resum(WalFile& file, const WriteHeader& write) {
  INVARIANT(commit_pages_ != 0);
  WalChecksum sum = end_.checksum;
  Bytes other(header_->page_size.bytes());
  for (size_t i = 0; i < tail_.size(); ++i) {
    const bool is_last = i + 1 == tail_.size();
    const uint64_t at =
        wal_frame_offset(end_.frames + 1 + static_cast<uint32_t>(i), header_->page_size);
    ByteView page = last_page();
    if (!is_last) {
      TRY_ASSIGN(const size_t n, file.read_at(at + kWalFrameHeaderBytes, other));
      if (n < other.size()) return fail(Errc::kIo, "WAL: a frame that was written is cut off");
      page = other;
    }
    WalFrameHeader head{PageNo(tail_[i]), is_last ? commit_pages_ : 0, header_->salt, {}};
    head.checksum = sum = wal_frame_checksum(sum, header_->order, head.pgno, head.commit, page);
    std::array<std::byte, kWalFrameHeaderBytes> raw;
    encode(head, raw);
    TRY(write(at, raw));
  }
  resummed_ = sum;
  return {};
}

// An uncommitted frame is being written again: the chain is proved only up to its predecessor.
Status WalChain::step_back(uint32_t frame, WalFile& file) {
  summed_ = std::min<size_t>(summed_, frame - end_.frames - 1);
  tail_.resize(summed_);
  unsummed_ = false;
  filled_ = 0;
  tail_checksum_ = end_.writer_checksum;
  if (tail_.empty()) return {};
  TRY_ASSIGN(tail_checksum_, stored_checksum(frontier() - 1, file));
  return {};
}

Result<WalChecksum> WalChain::stored_checksum(uint32_t frame, WalFile& file) {
  std::array<std::byte, kWalFrameHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, file.read_at(wal_frame_offset(frame, header_->page_size), raw));
  if (n < raw.size()) return fail(Errc::kIo, "WAL: a frame that was written cannot be read back");
  return decode_wal_frame_header(raw).checksum;
}

// Completes the frontier's bytes from the file; false if they cannot be a frame of this generation.
Result<bool> WalChain::load_frontier(WalFile& file) {
  const uint64_t start = wal_frame_offset(frontier(), header_->page_size);
  for (const size_t need : {kWalFrameHeaderBytes, frame_.size()}) {
    if (filled_ < need) {
      const ByteSpan missing = ByteSpan(frame_).subspan(filled_, need - filled_);
      TRY_ASSIGN(const size_t n, file.read_at(start + filled_, missing));
      if (n < missing.size()) return false;
      filled_ = need;
    }
    const auto head = decode_wal_frame_header(ByteView(frame_).first<kWalFrameHeaderBytes>());
    if (head.salt != header_->salt || head.pgno == PageNo(0)) return false;
  }
  return true;
}

// Walks over every valid frame that the file holds; true at a commit.
Result<bool> WalChain::verify_frontier(WalFile& file) {
  while (offset_after(frontier()) <= written_bytes_) {
    const size_t had = filled_;
    TRY_ASSIGN(const bool loaded, load_frontier(file));
    if (!loaded) {
      filled_ = std::min(filled_, had);
      return false;
    }
    const auto head = decode_wal_frame_header(ByteView(frame_).first<kWalFrameHeaderBytes>());
    const ByteView page = ByteView(frame_).subspan(kWalFrameHeaderBytes);
    auto sum = wal_frame_checksum(tail_checksum_, header_->order, head.pgno, head.commit, page);
    if (sum != head.checksum && tail_.empty()) {  // a writer that recovered the wal-index from disk
      sum = wal_frame_checksum(end_.checksum, header_->order, head.pgno, head.commit, page);
    }
    if (sum != head.checksum) {
      filled_ = std::min(filled_, had);
      return false;
    }
    previous_checksum_ = tail_checksum_;
    tail_checksum_ = sum;
    if (!unsummed_) ++summed_;
    file.verified(frontier(), ByteView(frame_).subspan(kWalFrameHeaderBytes));
    tail_.push_back(head.pgno.value());
    if (head.commit != 0) {
      commit_pages_ = head.commit;
      return true;
    }
    filled_ = 0;
  }
  return false;
}

Result<WalChain::Effect> WalChain::scan(WalFile& file) {
  INVARIANT(commit_pages_ == 0);
  if (!header_) return Effect::kTail;
  filled_ = 0;
  TRY_ASSIGN(const bool commits, verify_frontier(file));
  return commits ? Effect::kCompletes : Effect::kTail;
}

void WalChain::commit() {
  INVARIANT(commit_pages_ != 0 && (resummed_ || !needs_resum()));
  end_ = commit_end();
  resummed_.reset();
  tail_.clear();
  summed_ = 0;
  unsummed_ = false;
  commit_pages_ = 0;
  filled_ = 0;
}

void WalChain::forget_unwritten() {
  if (commit_pages_ != 0) refuse();
  filled_ = 0;
}

void WalChain::refuse() {
  INVARIANT(commit_pages_ != 0);
  tail_.pop_back();
  if (!unsummed_) --summed_;
  tail_checksum_ = previous_checksum_;
  resummed_.reset();
  commit_pages_ = 0;
  filled_ = 0;  // the offered bytes never reach the file
}

}  // namespace skerry::sqlite
