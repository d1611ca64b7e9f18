// Captures transactions of a database in rollback mode (or without a journal): which committed
// pages have been written since the last commit. Their marks stand in the page-checksum table, so
// that a successor of this process finds them.
//
// The journal does not serve for this: it leaves out reused freelist pages. Whether a page really
// changed shows its checksum at the commit, so a rolled-back transaction is none.
//
// Not thread-safe: the database's mutex guards it.
#pragma once

#include <vector>

#include "daemon/db/change_set.h"
#include "daemon/db/page_checksums.h"
#include "ltx/sqlite/db_header.h"

namespace skerry::db {

class RollbackCapture {
 public:
  // Takes over the marks that a predecessor left.
  void load(PageChecksums& table);

  // The database file was or will be written there. Pages past the committed size need no mark.
  void wrote(PageChecksums& table, uint64_t offset, uint64_t bytes);
  void truncated(PageChecksums& table, uint64_t bytes);
  // Nothing is open any more: the dirty pages were committed or are as they were.
  void clear() { dirty_.clear(), touched_ = false; }

  // Something was written since the last commit.
  [[nodiscard]] bool touched() const { return touched_; }

  // The pages that may differ from the committed state, given the file's header and size.
  [[nodiscard]] ChangeSet changes(const PageChecksums& table, const sqlite::DbHeader& header,
                                  uint64_t file_bytes) const;

 private:
  std::vector<PageNo> dirty_;
  bool touched_ = false;
};

}  // namespace skerry::db
