#include "daemon/rows/compare.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>

#include "tests/support/capture_fixture.h"
#include "tests/support/sqlite_db.h"


namespace skerry::rows {
namespace {

struct Pair {
  test::TempDir dir;
  std::string left = dir.path() + "/left.db";
  std::string right = dir.path() + "/r i%ght?.db";
  std::vector<std::string> lines;
  std::vector<TableSummary> tables;

  void make(const std::string& path, const std::string& sql) {
    test::SqliteDb db(path, "unix");
    REQUIRE(db.exec(sql.c_str()) == SQLITE_OK);
  }
  void run(const std::string& other) {
    auto result = compare(left, other, [&](const Difference& d) -> Status {
      std::string line = fmt::format("{} {}{}", d.table, "<>~"[static_cast<int>(d.kind)],
                                     d.rowid ? std::to_string(*d.rowid) : "");
      for (const Value& value : d.left) line += " " + sql(value);
      if (!d.right.empty()) line += " |";
      for (const Value& value : d.right) line += " " + sql(value);
      lines.push_back(line);
      return {};
    });
    REQUIRE(result.has_value());
    tables = *result;
  }
};

TEST_CASE("rows are matched by rowid, and each difference is found") {
  Pair p;
  const std::string table = "create table t(id integer primary key, v);";
  p.make(p.left, table + "insert into t values(1,'same'),(2,'lost'),(3,1),(5,null),(9,x'00ff')");
  p.make(p.right, table + "insert into t values(1,'same'),(3,1.0),(4,'new'),(5,null)");
  p.run(p.right);
  CHECK(p.lines == std::vector<std::string>{"t <2 2 'lost'", "t ~3 3 1 | 3 1.0", "t >4 | 4 'new'",
                                            "t <9 9 x'00ff'"});
  REQUIRE(p.tables.size() == 1);
  CHECK(p.tables[0].left_only == 2);
  CHECK(p.tables[0].right_only == 1);
  CHECK(p.tables[0].differing == 1);
}

TEST_CASE("tables without rowids, without a counterpart, and with odd names") {
  Pair p;
  p.make(p.left, R"(create table "wi""thout"(k primary key, v) without rowid;
    insert into "wi""thout" values('a',1),('b',2); create table gone(rowid, oid, v);
    insert into gone values(1,2,'it''s'))");
  p.make(p.right, R"(create table "wi""thout"(k primary key, v) without rowid;
    insert into "wi""thout" values('a',1),('b',3); create table new(v))");
  p.run(p.right);
  CHECK(p.lines == std::vector<std::string>{"gone <1 1 2 'it''s'", "wi\"thout < 'b' 2",
                                            "wi\"thout > | 'b' 3"});
  REQUIRE(p.tables.size() == 3);
  CHECK_FALSE(p.tables[0].in_right);
  CHECK_FALSE(p.tables[1].in_left);
  CHECK(p.tables[2].same_schema);
}

TEST_CASE("no database at all, and equal ones") {
  Pair p;
  p.make(p.left, "create table t(v); insert into t values(1)");
  p.run("");
  CHECK(p.lines == std::vector<std::string>{"t <1 1"});
  p.lines.clear();
  p.run(p.left);
  CHECK(p.lines.empty());
  CHECK(p.tables.empty());
}

TEST_CASE("what is no database is an error, and so is an error of the listener") {
  Pair p;
  p.make(p.left, "create table t(v); insert into t values(1)");
  std::ofstream(p.right) << std::string(4096, 'x');
  const auto nothing = [](const Difference&) { return Status{}; };
  CHECK(compare(p.left, p.right, nothing).error().code() == Errc::kCorrupt);
  const auto fails = [](const Difference&) -> Status { return fail(Errc::kCancelled, "enough"); };
  CHECK(compare(p.left, "", fails).error().code() == Errc::kCancelled);
}

TEST_CASE("values as SQL has them") {
  CHECK(sql(Value{}) == "NULL");
  CHECK(sql(Value{1e300 * 1e10}) == "9e999");
  CHECK(sql(Value{0.1}) == "0.1");
  CHECK(sql(Value{std::string("a\0b", 3)}) == "CAST(x'610062' AS TEXT)");
  CHECK_FALSE(same(Value{int64_t{1}}, Value{1.0}));
}

}  // namespace
}  // namespace skerry::rows
