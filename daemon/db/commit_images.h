// The pages of a small transaction before and after it, for whoever codes the one by the other
// (the stream to replicas). Made only while CommitListener::wants_images() says so.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "daemon/db/page_checksums.h"
#include "ltx/base/bytes.h"
#include "ltx/base/types.h"

namespace skerry::db {

struct CommitImages {
  struct Page {
    PageNo pgno;
    size_t after = 0;              // offset in `content`
    std::optional<size_t> before;  // nothing: there was no such page, or it is not known any more
  };
  PageSize page_size = *PageSize::of(4096);
  std::vector<Page> pages;  // ascending
  Bytes content;

  [[nodiscard]] ByteView at(size_t offset) const {
    return ByteView(content).subspan(offset, page_size.bytes());
  }
};

// Of a rollback-mode transaction that is under way: what the pages of the database file held before
// their first write. Not thread-safe: the database's mutex guards it. Memory: kBytesMax.
class BeforeImages {
 public:
  static constexpr size_t kBytesMax = size_t{512} << 10;

  // [offset, offset + bytes) is about to be written. Reads the committed pages there that no
  // earlier write of this transaction reached. What cannot be read or kept is not known later.
  void keep(os::File& file, const PageChecksums& table, uint64_t offset, uint64_t bytes);
  // Empty: not known.
  [[nodiscard]] ByteView find(PageNo pgno) const;
  void clear();

 private:
  size_t page_bytes_ = 0;
  Bytes content_;
  std::unordered_map<uint32_t, size_t> offsets_;  // by page
};

}  // namespace skerry::db
