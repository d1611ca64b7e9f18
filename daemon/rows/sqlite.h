// SQLite's C interface, as far as this room needs it: handles that close themselves, errors as
// values. For .cc files of this room only.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>

#include "daemon/rows/value.h"
#include "ltx/base/result.h"

namespace skerry::rows {

class Statement {
 public:
  Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  // False after the last row.
  [[nodiscard]] Result<bool> step();
  [[nodiscard]] int columns() const { return sqlite3_column_count(statement_.get()); }
  [[nodiscard]] std::string name(int column) const {
    return sqlite3_column_name(statement_.get(), column);
  }
  [[nodiscard]] Value value(int column) const;
  [[nodiscard]] int64_t integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
  }
  [[nodiscard]] std::string text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Connection {
 public:
  // An empty path: in memory.
  [[nodiscard]] static Result<Connection> open(const std::string& path);
  [[nodiscard]] Result<Statement> prepare(const std::string& sql);
  [[nodiscard]] Status run(const std::string& sql);

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  explicit Connection(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace skerry::rows
