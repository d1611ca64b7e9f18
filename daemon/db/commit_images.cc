#include "daemon/db/commit_images.h"

#include <algorithm>

namespace skerry::db {

// What a quiet database keeps of its buffer.
static constexpr size_t kKeptBytesMax = size_t{64} << 10;

void BeforeImages::keep(os::File& file, const PageChecksums& table, uint64_t offset,
                        uint64_t bytes) {
  const TableState& state = table.state();
  if (state.page_bytes == 0 || bytes == 0) return;
  if (page_bytes_ != state.page_bytes) clear();
  page_bytes_ = state.page_bytes;
  const uint64_t last = std::min<uint64_t>((offset + bytes - 1) / page_bytes_ + 1, state.commit);
  for (uint64_t p = offset / page_bytes_ + 1; p <= last; ++p) {
    const PageNo pgno(static_cast<uint32_t>(p));
    if (content_.size() + page_bytes_ > kBytesMax) return;
    if (table.dirty(pgno) || offsets_.contains(pgno.value())) continue;
    const size_t at = content_.size();
    content_.resize(at + page_bytes_);
    const auto n = file.read_at(os::Site("capture:before:read"), (p - 1) * page_bytes_,
                                ByteSpan(content_).subspan(at));
    if (n && *n == page_bytes_) {
      offsets_[pgno.value()] = at;
    } else {
      content_.resize(at);
    }
  }
}

ByteView BeforeImages::find(PageNo pgno) const {
  const auto found = offsets_.find(pgno.value());
  if (found == offsets_.end()) return {};
  return ByteView(content_).subspan(found->second, page_bytes_);
}

void BeforeImages::clear() {
  offsets_.clear();
  content_.clear();
  if (content_.capacity() > kKeptBytesMax) Bytes().swap(content_);
}

}  // namespace skerry::db
