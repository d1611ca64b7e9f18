// A connection to real SQLite for tests in which nothing may fail: what does throws
// std::runtime_error with SQLite's message.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "tests/support/sqlite_db.h"

namespace skerry::test {

class Sqlite {
 public:
  explicit Sqlite(const std::filesystem::path& path) : db_(path.string()) { check(path.string()); }

  void exec(const std::string& sql) {
    db_.exec(sql);
    check(sql);
  }
  // The first row's first column as text.
  [[nodiscard]] std::string query(const std::string& sql) {
    std::string value = db_.value(sql);
    check(sql);
    return value;
  }
  [[nodiscard]] int64_t number(const std::string& sql) { return std::stoll(query(sql)); }

 private:
  void check(const std::string& what) const {
    if (db_.error() != SQLITE_OK) throw std::runtime_error(what + ": " + db_.message());
  }

  SqliteDb db_;
};

}  // namespace skerry::test
