// The order that an LTX file's pages must keep: ascending, within the database, never the page of
// the lock bytes, and in a snapshot every one. Writers and readers check by the same object.
#pragma once

#include "ltx/base/result.h"
#include "ltx/header.h"

namespace skerry::ltx {

class PageOrder {
 public:
  PageOrder() = default;
  explicit PageOrder(const Header& header);

  // kCorrupt; a writer calls it kInvalid.
  [[nodiscard]] Status add(PageNo pgno, Errc code = Errc::kCorrupt);
  [[nodiscard]] Status end(Errc code = Errc::kCorrupt) const;

  [[nodiscard]] PageNo last() const { return last_; }  // 0: none yet

 private:
  uint32_t commit_ = 0;
  bool snapshot_ = false;
  PageNo lock_;
  PageNo last_;
};

}  // namespace skerry::ltx
