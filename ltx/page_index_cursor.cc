#include "ltx/page_index_cursor.h"

#include <fmt/format.h>

#include "ltx/page_frame.h"
#include "ltx/sqlite/lock_bytes.h"
#include "ltx/varint.h"

namespace skerry::ltx {

PageIndexCursor::PageIndexCursor(RandomAccess& file, const Extent& extent, const Mark& mark)
    : file_(file), extent_(extent), mark_(mark), fetched_(mark.at) {}

PageIndexCursor::Mark PageIndexCursor::begin(const Extent& extent) {
  return {PageNo(0), extent.first, kHeaderBytes};
}

// Moves what is left to the front and reads behind it, so that a number is never cut off by the
// buffer.
Status PageIndexCursor::refill() {
  std::copy(rest_.begin(), rest_.end(), buffer_.begin());
  const size_t kept = rest_.size();
  const uint64_t more = std::min<uint64_t>(buffer_.size() - kept, extent_.end - fetched_);
  TRY(file_.read_at(fetched_, ByteSpan(buffer_).subspan(kept, more)));
  fetched_ += more;
  rest_ = ByteView(buffer_).first(kept + more);
  return {};
}

Result<uint64_t> PageIndexCursor::take() {
  const auto value = take_varint(rest_);
  if (!value) {
    return fail(Errc::kCorrupt,
                fmt::format("LTX page index: damaged number after page {}", mark_.last.value()));
  }
  return *value;
}

Status PageIndexCursor::check(uint64_t pgno, uint64_t offset, uint64_t bytes) const {
  if (pgno <= mark_.last.value() || pgno > extent_.commit ||
      pgno == sqlite::lock_page(extent_.page_size).value()) {
    return fail(Errc::kCorrupt, fmt::format("LTX page index: page {} after page {} of {}", pgno,
                                            mark_.last.value(), extent_.commit));
  }
  const uint64_t pages_end = extent_.first - kPageHeaderBytes;
  if (offset != mark_.frame_at || bytes <= kPageHeaderBytes ||
      bytes > page_frame_bytes_max(extent_.page_size) || bytes > pages_end - offset) {
    return fail(Errc::kCorrupt,
                fmt::format("LTX page index: page {} at {}, {} bytes: not where the previous ends",
                            pgno, offset, bytes));
  }
  return {};
}

Result<std::optional<PageLocation>> PageIndexCursor::next() {
  if (mark_.at == extent_.end) {
    if (mark_.frame_at == extent_.first - kPageHeaderBytes) return std::nullopt;
    return fail(Errc::kCorrupt, fmt::format("LTX page index: ends after page {}, before the pages",
                                            mark_.last.value()));
  }
  if (rest_.size() < 3 * kVarintBytesMax && fetched_ < extent_.end) TRY(refill());
  const size_t before = rest_.size();
  TRY_ASSIGN(const uint64_t pgno, take());
  TRY_ASSIGN(const uint64_t offset, take());
  TRY_ASSIGN(const uint64_t bytes, take());
  TRY(check(pgno, offset, bytes));
  mark_.last = PageNo(static_cast<uint32_t>(pgno));
  mark_.at += before - rest_.size();
  mark_.frame_at += bytes;
  return PageLocation{mark_.last, offset, static_cast<uint32_t>(bytes)};
}

}  // namespace skerry::ltx
