#include "daemon/db/rollback_capture.h"

#include <algorithm>

#include "ltx/sqlite/lock_bytes.h"

namespace skerry::db {

void RollbackCapture::load(PageChecksums& table) {
  dirty_ = table.dirty_pages(table.state().commit);
  touched_ = !dirty_.empty();
}

void RollbackCapture::wrote(PageChecksums& table, uint64_t offset, uint64_t bytes) {
  touched_ = true;
  const TableState& state = table.state();
  if (state.page_bytes == 0 || bytes == 0) return;
  const uint64_t first = offset / state.page_bytes + 1;
  const uint64_t last =
      std::min<uint64_t>((offset + bytes - 1) / state.page_bytes + 1, state.commit);
  for (uint64_t p = first; p <= last; ++p) {
    const PageNo pgno(static_cast<uint32_t>(p));
    if (table.get(pgno) == Checksum(0) || table.dirty(pgno)) continue;
    table.mark_dirty(pgno);
    dirty_.push_back(pgno);
  }
}

void RollbackCapture::truncated(PageChecksums& table, uint64_t bytes) {
  const TableState& state = table.state();
  const uint64_t committed_bytes = uint64_t{state.commit} * state.page_bytes;
  if (bytes < committed_bytes) wrote(table, bytes, committed_bytes - bytes);
  touched_ = true;
}

static ChangeSet every_page(const sqlite::DbHeader& header, uint32_t pages) {
  ChangeSet set;
  set.page_size = header.page_size;
  set.commit = pages;
  set.every_page = true;
  set.changes.reserve(pages);
  const PageNo lock = sqlite::lock_page(header.page_size);
  for (uint32_t p = 1; p <= pages; ++p) {
    if (p != lock.value()) set.changes.push_back({PageNo(p), 0});
  }
  return set;
}

ChangeSet RollbackCapture::changes(const PageChecksums& table, const sqlite::DbHeader& header,
                                   uint64_t file_bytes) const {
  const TableState& state = table.state();
  const uint32_t pages = header.pages(file_bytes);
  if (state.commit == 0 || state.page_bytes != header.page_size.bytes()) {
    return every_page(header, pages);
  }
  ChangeSet set;
  set.page_size = header.page_size;
  set.commit = pages;
  const PageNo lock = sqlite::lock_page(header.page_size);
  for (const PageNo pgno : dirty_) {
    if (pgno.value() <= pages) set.changes.push_back({pgno, 0});
  }
  std::ranges::sort(set.changes, {}, &Change::pgno);
  for (uint32_t p = state.commit + 1; p <= pages; ++p) {
    if (p != lock.value()) set.changes.push_back({PageNo(p), 0});
  }
  return set;
}

}  // namespace skerry::db
