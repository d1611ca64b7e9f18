#include "ltx/page_index.h"

#include <fmt/format.h>

#include "ltx/base/invariant.h"
#include "ltx/page_frame.h"

namespace skerry::ltx {

static constexpr size_t kSamplesMax = 1024;
static constexpr size_t kSizeBytes = 8;
static constexpr size_t kTailBytes = kSizeBytes + kTrailerBytes;
// A file without pages: header, head that ends the pages, end marker of the index, tail.
static constexpr size_t kFileBytesMin = kHeaderBytes + kPageHeaderBytes + 1 + kTailBytes;

PageIndex::PageIndex(RandomAccess& file, const Header& header, const Trailer& trailer,
                     uint64_t first, uint64_t end)
    : file_(&file),
      header_(header),
      trailer_(trailer),
      extent_{header.page_size, header.commit, first, end} {}

// The two zeros that frame the index: the head that ends the pages and the index's end marker.
static Status check_frame_of_index(RandomAccess& file, uint64_t first, uint64_t end) {
  std::array<std::byte, kPageHeaderBytes> head;
  TRY(file.read_at(first - head.size(), head));
  std::array<std::byte, 1> marker;
  TRY(file.read_at(end, marker));
  if (decode_page_header(head).ends_pages() && marker[0] == std::byte{0}) return {};
  return fail(Errc::kCorrupt, "LTX page index: it is not where its size says");
}

Result<PageIndex> PageIndex::open(RandomAccess& file) {
  TRY_ASSIGN(const uint64_t file_bytes, file.size());
  if (file_bytes < kFileBytesMin) {
    return fail(Errc::kCorrupt, fmt::format("LTX file: only {} bytes", file_bytes));
  }
  std::array<std::byte, kHeaderBytes> raw_header;
  TRY(file.read_at(0, raw_header));
  TRY_ASSIGN(const Header header, decode_header(raw_header));
  std::array<std::byte, kTailBytes> tail;
  TRY(file.read_at(file_bytes - kTailBytes, tail));
  const Trailer trailer = decode_trailer(ByteView(tail).last<kTrailerBytes>());
  TRY(validate(trailer, header));
  const uint64_t index_bytes = load_be64(tail.data());
  if (index_bytes == 0 || index_bytes > file_bytes - kFileBytesMin + 1) {
    return fail(Errc::kCorrupt,
                fmt::format("LTX page index: {} bytes in a file of {}", index_bytes, file_bytes));
  }
  const uint64_t end = file_bytes - kTailBytes - 1;
  const uint64_t first = end + 1 - index_bytes;
  TRY(check_frame_of_index(file, first, end));
  PageIndex index(file, header, trailer, first, end);
  TRY(index.scan());
  return index;
}

Status PageIndex::scan() {
  PageIndexCursor cursor = entries();
  for (;;) {
    const PageIndexCursor::Mark mark = cursor.mark();
    TRY_ASSIGN(const auto entry, cursor.next());
    if (!entry) return {};
    if (pages_ % stride_ == 0) add_sample(mark);
    ++pages_;
  }
}

// When the samples are full, every other goes: a bounded number, evenly spread over any index.
void PageIndex::add_sample(const PageIndexCursor::Mark& mark) {
  if (samples_.size() == kSamplesMax) {
    for (size_t i = 0; i < kSamplesMax / 2; ++i) samples_[i] = samples_[2 * i];
    samples_.resize(kSamplesMax / 2);
    stride_ *= 2;
  }
  samples_.push_back(mark);
}

PageIndexCursor PageIndex::entries() const {
  return {*file_, extent_, PageIndexCursor::begin(extent_)};
}

Result<std::optional<PageLocation>> PageIndex::find(PageNo pgno) {
  // The last sample that lies before the page: its entry is the page's or an earlier one.
  auto after = std::partition_point(samples_.begin(), samples_.end(),
                                    [&](const auto& mark) { return mark.last < pgno; });
  if (after == samples_.begin()) return std::nullopt;
  PageIndexCursor cursor(*file_, extent_, *std::prev(after));
  for (;;) {
    TRY_ASSIGN(const auto entry, cursor.next());
    if (!entry || entry->pgno > pgno) return std::nullopt;
    if (entry->pgno == pgno) return entry;
  }
}

Status PageIndex::read_page(PageNo pgno, ByteSpan page) {
  TRY_ASSIGN(const auto location, find(pgno));
  if (!location) {
    return fail(Errc::kNotFound, fmt::format("LTX file: it does not hold page {}", pgno.value()));
  }
  return read_page(*location, page);
}

Status PageIndex::read_page(const PageLocation& location, ByteSpan page) {
  INVARIANT(page.size() == header_.page_size.bytes());
  INVARIANT(location.bytes <= page_frame_bytes_max(header_.page_size));
  frame_.resize(location.bytes);
  TRY(file_->read_at(location.offset, frame_));
  return decode_page_frame(location.pgno, frame_, page);
}

}  // namespace skerry::ltx
