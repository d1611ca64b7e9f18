// Walks the page index at the end of an LTX file (format version 3), entry by entry, and
// holds it to what a writer produces: page numbers ascend within the database and leave out the
// page of the lock bytes; frames follow each other without gap from the header to the end of the
// pages. Memory: 4 KiB. Not thread-safe.
#pragma once

#include <array>
#include <optional>

#include "ltx/header.h"
#include "ltx/random_access.h"

namespace skerry::ltx {

// Where one page's frame (page_frame.h) lies within the file.
struct PageLocation {
  PageNo pgno;
  uint64_t offset = 0;
  uint32_t bytes = 0;
};

class PageIndexCursor {
 public:
  // A place between two entries, to come back to.
  struct Mark {
    PageNo last;            // page of the entry before
    uint64_t at = 0;        // offset of the next entry in the file
    uint64_t frame_at = 0;  // offset of the frame that it must name
  };
  // The index of a file: what must be known to walk it.
  struct Extent {
    PageSize page_size;
    uint32_t commit = 0;
    uint64_t first = 0;  // offset of its first byte, just behind the head that ends the pages
    uint64_t end = 0;    // offset of its end marker
  };

  // The file must outlive it. `mark` is the begin() of `extent` or came from mark().
  PageIndexCursor(RandomAccess& file, const Extent& extent, const Mark& mark);

  PageIndexCursor(const PageIndexCursor&) = delete;  // it points into its own buffer
  PageIndexCursor& operator=(const PageIndexCursor&) = delete;

  [[nodiscard]] static Mark begin(const Extent& extent);

  // Nothing at the end. kCorrupt names the entry.
  [[nodiscard]] Result<std::optional<PageLocation>> next();
  [[nodiscard]] Mark mark() const { return mark_; }

 private:
  [[nodiscard]] Status refill();
  [[nodiscard]] Result<uint64_t> take();
  [[nodiscard]] Status check(uint64_t pgno, uint64_t offset, uint64_t bytes) const;

  RandomAccess& file_;
  Extent extent_;
  Mark mark_;
  std::array<std::byte, 4096> buffer_;
  ByteView rest_;         // what of the buffer is not taken yet
  uint64_t fetched_ = 0;  // offset in the file behind the buffer's bytes
};

}  // namespace skerry::ltx
