#include "daemon/db/wal_frame_map.h"

#include <algorithm>

namespace skerry::db {

// About a millisecond's worth.
static constexpr uint32_t kFramesAtOnceMax = 2048;

Result<bool> WalFrameMap::advance(const WalCapture& wal, os::File& file) {
  const auto& header = wal.chain().header();
  const uint32_t end = wal.chain().end().frames;
  if (!header || header->salt != salt_ || end < taken_) {
    clear();
    if (!header) return true;
    salt_ = header->salt;
  }
  const uint32_t last = std::min(end, taken_ + kFramesAtOnceMax);
  for (; taken_ < last; ++taken_) {
    std::array<std::byte, sqlite::kWalFrameHeaderBytes> raw;
    const uint64_t at = sqlite::wal_frame_offset(taken_ + 1, header->page_size);
    TRY_ASSIGN(const size_t n, file.read_at(os::Site("image:wal:index"), at, raw));
    if (n < raw.size()) return fail(Errc::kCorrupt, "WAL: a committed frame is missing");
    const uint32_t pgno = sqlite::decode_wal_frame_header(raw).pgno.value();
    if (pgno == 0) return fail(Errc::kCorrupt, "WAL: a committed frame has no page number");
    if (pgno > frames_.size()) frames_.resize(pgno);
    frames_[pgno - 1] = taken_ + 1;
  }
  return taken_ == end;
}

uint32_t WalFrameMap::frame_of(PageNo pgno) const {
  return pgno.value() <= frames_.size() ? frames_[pgno.value() - 1] : 0;
}

}  // namespace skerry::db
