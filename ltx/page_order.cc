#include "ltx/page_order.h"

#include <fmt/format.h>

#include "ltx/sqlite/lock_bytes.h"

namespace skerry::ltx {

PageOrder::PageOrder(const Header& header)
    : commit_(header.commit),
      snapshot_(header.is_snapshot()),
      lock_(sqlite::lock_page(header.page_size)) {}

Status PageOrder::add(PageNo pgno, Errc code) {
  if (pgno <= last_ || pgno.value() > commit_ || pgno == lock_) {
    return fail(code, fmt::format("LTX file: page {} after page {} of {}", pgno.value(),
                                  last_.value(), commit_));
  }
  const PageNo due = next(last_) == lock_ ? next(lock_) : next(last_);
  if (snapshot_ && pgno != due) {
    return fail(code, fmt::format("LTX snapshot: page {} is missing", due.value()));
  }
  last_ = pgno;
  return {};
}

Status PageOrder::end(Errc code) const {
  const uint32_t due = commit_ == lock_.value() ? commit_ - 1 : commit_;
  if (!snapshot_ || last_.value() == due) return {};
  return fail(code, fmt::format("LTX snapshot: ends at page {} of {}", last_.value(), commit_));
}

}  // namespace skerry::ltx
