#include "ltx/sqlite/wal_chain.h"

#include <algorithm>

#include "ltx/base/invariant.h"

namespace skerry::sqlite {

uint64_t WalChain::offset_after(uint32_t frames) const {
  return header_ ? wal_frame_offset(frames + 1, header_->page_size) : 0;
}

void WalChain::resume(const WalHeader& header, WalEnd end, uint64_t file_bytes) {
  restart(header);
  end_ = end;
  tail_checksum_ = end.checksum;
  written_bytes_ = file_bytes;
}

void WalChain::restart(const std::optional<WalHeader>& header) {
  header_ = header;
  end_ = {0, header ? header->checksum : WalChecksum{}};
  tail_.clear();
  tail_checksum_ = end_.checksum;
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
    tail_checksum_ = end_.checksum;
    filled_ = 0;
  }
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
  if (frame != frontier()) return Outcome{Effect::kTail, data.size()};

  const size_t at = offset - start;
  if (at > filled_) {  // what precedes was written earlier, perhaps under an earlier worker
    TRY_ASSIGN(const size_t n,
               file.read_at(start + filled_, ByteSpan(frame_).subspan(filled_, at - filled_)));
    if (n < at - filled_) return Outcome{Effect::kTail, data.size()};
    filled_ = at;
  }
  std::ranges::copy(data, frame_.begin() + static_cast<std::ptrdiff_t>(at));
  filled_ = std::max(filled_, at + data.size());
  const bool may_complete = write_end == frame_end || page_was_there;
  if (!may_complete) return Outcome{Effect::kTail, data.size()};
  TRY_ASSIGN(const bool commits, verify_frontier(file));
  return Outcome{commits ? Effect::kCompletes : Effect::kTail, data.size()};
}

// An uncommitted frame is being written again: the chain is proved only up to its predecessor.
Status WalChain::step_back(uint32_t frame, WalFile& file) {
  tail_.resize(frame - end_.frames - 1);
  filled_ = 0;
  tail_checksum_ = end_.checksum;
  if (tail_.empty()) return {};
  std::array<std::byte, kWalFrameHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, file.read_at(wal_frame_offset(frame - 1, header_->page_size), raw));
  if (n < raw.size()) return fail(Errc::kIo, "WAL: a frame that was written cannot be read back");
  tail_checksum_ = decode_wal_frame_header(raw).checksum;
  return {};
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
    const auto sum = wal_frame_checksum(tail_checksum_, header_->order, head.pgno, head.commit,
                                        ByteView(frame_).subspan(kWalFrameHeaderBytes));
    if (sum != head.checksum) {
      filled_ = std::min(filled_, had);
      return false;
    }
    previous_checksum_ = tail_checksum_;
    tail_checksum_ = sum;
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
  INVARIANT(commit_pages_ != 0);
  end_ = {end_.frames + static_cast<uint32_t>(tail_.size()), tail_checksum_};
  tail_.clear();
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
  tail_checksum_ = previous_checksum_;
  commit_pages_ = 0;
  filled_ = 0;  // the offered bytes never reach the file
}

}  // namespace skerry::sqlite
