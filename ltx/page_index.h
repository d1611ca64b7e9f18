// Random access to the pages of one LTX file (format version 3) through the page index at its end.
// Opening reads the header, the trailer and the index once; looking up a page reads a few KiB of
// index, reading it its frame besides.
//
// The file checksum is not verified: that takes the whole file (verify() in decoder.h). A frame is
// known to be the right page and to decompress to the right size, no more; callers who have the
// page's checksum compare it. Errors: kCorrupt, and whatever the file returns. Memory: up to 100
// KiB, whatever the file says, and what LZ4 keeps for LZ4 frames. Not thread-safe; the file must
// outlive it.
#pragma once

#include <optional>
#include <vector>

#include "ltx/page_index_cursor.h"

namespace skerry::ltx {

class PageIndex {
 public:
  [[nodiscard]] static Result<PageIndex> open(RandomAccess& file);

  [[nodiscard]] const Header& header() const { return header_; }
  [[nodiscard]] const Trailer& trailer() const { return trailer_; }
  [[nodiscard]] uint64_t pages() const { return pages_; }

  // Nothing if the file does not hold the page.
  [[nodiscard]] Result<std::optional<PageLocation>> find(PageNo pgno);
  // `page` is exactly one page long; kNotFound if the file does not hold it.
  [[nodiscard]] Status read_page(PageNo pgno, ByteSpan page);
  [[nodiscard]] Status read_page(const PageLocation& location, ByteSpan page);

  // All entries in order, from the first.
  [[nodiscard]] PageIndexCursor entries() const;

 private:
  PageIndex(RandomAccess& file, const Header& header, const Trailer& trailer, uint64_t first,
            uint64_t end);
  [[nodiscard]] Status scan();
  void add_sample(const PageIndexCursor::Mark& mark);

  RandomAccess* file_;
  Header header_;
  Trailer trailer_;
  PageIndexCursor::Extent extent_;
  uint64_t pages_ = 0;
  uint64_t stride_ = 1;  // entries from one sample to the next
  std::vector<PageIndexCursor::Mark> samples_;
  Bytes frame_;
};

}  // namespace skerry::ltx
