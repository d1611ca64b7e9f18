#include "tests/support/sqlite.h"

#include <stdexcept>

namespace skerry::test {

Sqlite::Sqlite(const std::filesystem::path& path) {
  const int rc = sqlite3_open(path.c_str(), &db_);
  if (rc != SQLITE_OK) {
    sqlite3_close(db_);
    throw std::runtime_error("cannot open " + path.string());
  }
}

Sqlite::~Sqlite() {
  sqlite3_close(db_);
}

void Sqlite::exec(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(db_));
  }
}

std::string Sqlite::query(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(db_));
  }
  std::string result;
  if (sqlite3_step(statement) == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (text != nullptr) result = text;
  }
  if (sqlite3_finalize(statement) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(db_));
  }
  return result;
}

}  // namespace skerry::test
