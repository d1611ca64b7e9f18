// A SQLite connection for tests.
#pragma once

#include <sqlite3.h>

#include <string>

namespace skerry::test {

class SqliteDb {
 public:
  SqliteDb() = default;
  explicit SqliteDb(const std::string& path, const char* vfs = nullptr) {
    error_ = sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs);
  }
  ~SqliteDb() { sqlite3_close(db_); }
  SqliteDb(const SqliteDb&) = delete;
  SqliteDb& operator=(const SqliteDb&) = delete;

  // SQLITE_OK or the extended error code.
  int exec(const std::string& sql) {
    error_ = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
    return error_ == SQLITE_OK ? SQLITE_OK : sqlite3_extended_errcode(db_);
  }
  // The first column of the first row as text; empty if there is none.
  std::string value(const std::string& sql) {
    std::string text;
    sqlite3_stmt* statement = nullptr;
    error_ = sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
    if (error_ == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
      if (const auto* column = sqlite3_column_text(statement, 0)) {
        text = reinterpret_cast<const char*>(column);
      }
    }
    const int finalized = sqlite3_finalize(statement);
    if (error_ == SQLITE_OK) error_ = finalized;
    return text;
  }
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] std::string message() const { return sqlite3_errmsg(db_); }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  [[nodiscard]] sqlite3* handle() { return db_; }

 private:
  sqlite3* db_ = nullptr;
  int error_ = SQLITE_OK;
};

}  // namespace skerry::test
