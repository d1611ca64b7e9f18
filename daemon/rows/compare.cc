#include "daemon/rows/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "daemon/rows/sqlite.h"

namespace skerry::rows {
namespace {

using Found = std::function<Status(const Difference&)>;
using Columns = std::vector<std::string>;

struct Table {
  std::string sql;
  Columns columns;
  std::string rowid;  // a name for it; empty: it has none
};
using Tables = std::map<std::string, Table>;

std::string file_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '.' ||
                       c == '-' || c == '_';
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri + "?mode=ro&immutable=1";
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

Result<Table> describe(Connection& db, const std::string& side, const std::string& name,
                       std::string sql) {
  Table table{std::move(sql), {}, ""};
  const std::string from = fmt::format("{}.{}", side, quote_name(name));
  TRY_ASSIGN(const Statement all, db.prepare("SELECT * FROM " + from));
  for (int i = 0; i < all.columns(); ++i) table.columns.push_back(all.name(i));
  for (const char* word : {"rowid", "_rowid_", "oid"}) {
    const bool taken = std::ranges::any_of(
        table.columns, [&](const std::string& column) { return same_name(column, word); });
    if (!taken && db.prepare(fmt::format("SELECT {} FROM {}", word, from))) {
      table.rowid = word;
      break;
    }
  }
  return table;
}

Result<Tables> tables_of(Connection& db, const std::string& side) {
  Tables tables;
  TRY_ASSIGN(Statement all,
             db.prepare(fmt::format("SELECT name, sql FROM {}.sqlite_schema WHERE type = 'table' "
                                    "AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
                                    side)));
  for (;;) {
    TRY_ASSIGN(const bool more, all.step());
    if (!more) return tables;
    const std::string name = all.text(0);
    TRY_ASSIGN(tables[name], describe(db, side, name, all.text(1)));
  }
}

// The rows of one side in the order of their rowids.
class Cursor {
 public:
  static Result<Cursor> open(Connection& db, const std::string& side, const std::string& name,
                             const Table* table) {
    Cursor cursor;
    if (table == nullptr) return cursor;
    TRY_ASSIGN(Statement rows,
               db.prepare(fmt::format("SELECT {0}, * FROM {1}.{2} ORDER BY {0}", table->rowid, side,
                                      quote_name(name))));
    cursor.rows_.emplace(std::move(rows));
    TRY(cursor.next());
    return cursor;
  }
  Status next() {
    row.clear();
    TRY_ASSIGN(has_row, rows_->step());
    if (!has_row) return {};
    rowid = rows_->integer(0);
    for (int i = 1; i < rows_->columns(); ++i) row.push_back(rows_->value(i));
    return {};
  }

  bool has_row = false;
  int64_t rowid = 0;
  Row row;

 private:
  std::optional<Statement> rows_;
};

class Comparison {
 public:
  Comparison(Connection& db, const Found& found) : db_(db), found_(found) {}

  Result<std::vector<TableSummary>> run() {
    TRY_ASSIGN(const Tables left, tables_of(db_, "l"));
    TRY_ASSIGN(const Tables right, tables_of(db_, "r"));
    std::map<std::string, std::pair<const Table*, const Table*>> names;
    for (const auto& [name, table] : left) names[name].first = &table;
    for (const auto& [name, table] : right) names[name].second = &table;
    std::vector<TableSummary> differing;
    for (const auto& [name, pair] : names) {
      TRY_ASSIGN(TableSummary summary, compare_table(name, pair.first, pair.second));
      if (summary.differs()) differing.push_back(std::move(summary));
    }
    return differing;
  }

 private:
  Result<TableSummary> compare_table(const std::string& name, const Table* left,
                                     const Table* right) {
    summary_ = {name, left != nullptr, right != nullptr, true, 0, 0, 0};
    summary_.same_schema = left != nullptr && right != nullptr && left->sql == right->sql;
    left_columns_ = left != nullptr ? left->columns : Columns();
    right_columns_ = right != nullptr ? right->columns : Columns();
    const bool by_rowid = (left == nullptr || !left->rowid.empty()) &&
                          (right == nullptr || !right->rowid.empty());
    TRY(by_rowid ? match_rowids(name, left, right) : match_rows(name, left, right));
    return summary_;
  }

  Status match_rowids(const std::string& name, const Table* left, const Table* right) {
    TRY_ASSIGN(Cursor l, Cursor::open(db_, "l", name, left));
    TRY_ASSIGN(Cursor r, Cursor::open(db_, "r", name, right));
    while (l.has_row || r.has_row) {
      const bool take_left = l.has_row && (!r.has_row || l.rowid <= r.rowid);
      const bool take_right = r.has_row && (!l.has_row || r.rowid <= l.rowid);
      const bool equal = take_left && take_right && left_columns_ == right_columns_ &&
                         same(l.row, r.row);
      if (!equal) {
        TRY(report(take_left ? l.rowid : r.rowid, take_left ? l.row : Row(),
                   take_right ? r.row : Row()));
      }
      if (take_left) TRY(l.next());
      if (take_right) TRY(r.next());
    }
    return {};
  }

  Status report(std::optional<int64_t> rowid, const Row& left, const Row& right) {
    using Kind = Difference::Kind;
    const Kind kind = right.empty()  ? Kind::kLeftOnly
                      : left.empty() ? Kind::kRightOnly
                                     : Kind::kDiffers;
    ++(kind == Kind::kLeftOnly    ? summary_.left_only
       : kind == Kind::kRightOnly ? summary_.right_only
                                  : summary_.differing);
    return found_({summary_.table, kind, rowid, left_columns_, right_columns_, left, right});
  }

  Status match_rows(const std::string& name, const Table* left, const Table* right) {
    TRY(report_rest("l", "r", name, left, right));
    return report_rest("r", "l", name, right, left);
  }

  // The rows of one side that the other has not.
  Status report_rest(const char* side, const char* other, const std::string& name,
                     const Table* table, const Table* minus) {
    if (table == nullptr) return {};
    std::string sql = fmt::format("SELECT * FROM {}.{}", side, quote_name(name));
    if (minus != nullptr && minus->columns == table->columns) {
      sql += fmt::format(" EXCEPT SELECT * FROM {}.{}", other, quote_name(name));
    }
    TRY_ASSIGN(Statement rows, db_.prepare(sql));
    for (;;) {
      TRY_ASSIGN(const bool more, rows.step());
      if (!more) return {};
      Row row;
      for (int i = 0; i < rows.columns(); ++i) row.push_back(rows.value(i));
      TRY(*side == 'l' ? report(std::nullopt, row, {}) : report(std::nullopt, {}, row));
    }
  }

  Connection& db_;
  const Found& found_;
  TableSummary summary_;
  Columns left_columns_;
  Columns right_columns_;
};

}  // namespace

Result<std::vector<TableSummary>> compare(const std::string& left, const std::string& right,
                                          const Found& found) {
  TRY_ASSIGN(Connection db, Connection::open(""));
  TRY(db.run(fmt::format("ATTACH {} AS l", sql(file_uri(left)))));
  const std::string other = right.empty() ? ":memory:" : file_uri(right);
  TRY(db.run(fmt::format("ATTACH {} AS r", sql(other))));
  return Comparison(db, found).run();
}

Status settle(const std::string& path) {
  TRY_ASSIGN(Connection db, Connection::open(path));
  TRY(db.run("SELECT count(*) FROM sqlite_schema"));
  return db.run("PRAGMA journal_mode = DELETE");
}

}  // namespace skerry::rows
