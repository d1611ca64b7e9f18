#include "daemon/rows/sqlite.h"

#include <fmt/format.h>

namespace skerry::rows {

static std::unexpected<Error> sqlite_error(sqlite3* db, std::string_view what) {
  const int code = db != nullptr ? sqlite3_errcode(db) : SQLITE_NOMEM;
  const Errc errc = code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? Errc::kCorrupt : Errc::kIo;
  return fail(errc, fmt::format("SQLite, {}: {}", what,
                                db != nullptr ? sqlite3_errmsg(db) : "out of memory"));
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(db_, "reading rows");
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  return text != nullptr ? std::string(text, static_cast<size_t>(bytes)) : std::string();
}

Value Statement::value(int column) const {
  switch (sqlite3_column_type(statement_.get(), column)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement_.get(), column);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement_.get(), column);
    case SQLITE_TEXT:
      return text(column);
    case SQLITE_BLOB: {
      const void* blob = sqlite3_column_blob(statement_.get(), column);
      const int bytes = sqlite3_column_bytes(statement_.get(), column);
      if (blob == nullptr) return Blob{};
      return Blob{std::string(static_cast<const char*>(blob), static_cast<size_t>(bytes))};
    }
    default:
      return std::monostate{};
  }
}

Result<Connection> Connection::open(const std::string& path) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                    (path.empty() ? SQLITE_OPEN_MEMORY : 0);
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  Connection connection(db);
  if (code != SQLITE_OK) return sqlite_error(db, "opening " + path);
  // What is read here may be damaged, and is not to run anything.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return connection;
}

Result<Statement> Connection::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db_.get(), sql);
  return Statement(db_.get(), statement);
}

Status Connection::run(const std::string& sql) {
  TRY_ASSIGN(Statement statement, prepare(sql));
  for (bool more = true; more;) {
    TRY_ASSIGN(more, statement.step());
  }
  return {};
}

}  // namespace skerry::rows
