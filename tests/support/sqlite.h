// A connection to real SQLite.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <string>

namespace skerry::test {

class Sqlite {
 public:
  explicit Sqlite(const std::filesystem::path& path);
  ~Sqlite();
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  // Throw std::runtime_error with SQLite's message.
  void exec(const std::string& sql);
  [[nodiscard]] std::string query(const std::string& sql);  // the first row's first column
  [[nodiscard]] int64_t number(const std::string& sql) { return std::stoll(query(sql)); }

  [[nodiscard]] sqlite3* handle() { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

}  // namespace skerry::test
