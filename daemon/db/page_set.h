// A set of pages of one database: a bit per page (330 KB for 10 GB of 4 KiB pages).
#pragma once

#include <cstdint>
#include <vector>

#include "ltx/base/types.h"

namespace skerry::db {

class PageSet {
 public:
  void insert(PageNo pgno);
  void erase(PageNo pgno);
  void erase_after(uint32_t pages);
  void clear() { bits_.clear(), count_ = 0; }

  [[nodiscard]] uint32_t count() const { return count_; }
  // The first page from `pgno` on; 0 if there is none.
  [[nodiscard]] PageNo first_from(PageNo pgno) const;

 private:
  std::vector<uint64_t> bits_;  // bit p − 1
  uint32_t count_ = 0;
};

}  // namespace skerry::db
