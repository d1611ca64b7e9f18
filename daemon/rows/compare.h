// What differs between two SQLite databases, table by table and row by row: read by SQLite itself,
// from files that nobody writes.
//
// Not thread-safe; blocks as the disk does. Memory: two rows. Rows of a table with rowids are
// matched by rowid, those of others (WITHOUT ROWID) as wholes, so that a change there is two rows.
// Virtual tables are left out; the tables in which they keep their content are not.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/rows/value.h"
#include "ltx/base/result.h"

namespace skerry::rows {

struct Difference {
  enum class Kind { kLeftOnly, kRightOnly, kDiffers };
  const std::string& table;
  Kind kind = Kind::kLeftOnly;
  std::optional<int64_t> rowid;
  // Of both sides; columns of a side without the row are empty.
  const std::vector<std::string>& left_columns;
  const std::vector<std::string>& right_columns;
  const Row& left;
  const Row& right;
};

struct TableSummary {
  std::string table;
  bool in_left = false;
  bool in_right = false;
  bool same_schema = true;
  uint64_t left_only = 0;
  uint64_t right_only = 0;
  uint64_t differing = 0;
  [[nodiscard]] bool differs() const {
    return !same_schema || left_only + right_only + differing != 0;
  }
};

// Paths of whole databases without a journal; an empty right one stands for an empty database.
// Each difference is handed out as it is found, in the order of tables and rowids; an error of
// `found` ends the comparison. The summaries are of tables that differ.
[[nodiscard]] Result<std::vector<TableSummary>> compare(
    const std::string& left, const std::string& right,
    const std::function<Status(const Difference&)>& found);

// Lets SQLite bring a copy of a database into order that has a WAL or a journal beside it, so that
// the file alone is the database.
[[nodiscard]] Status settle(const std::string& path);

}  // namespace skerry::rows
