// Data folders that LiteFS left (tests/golden) are taken over where they stand.

#include "daemon/db/litefs_folder.h"

#include <doctest/doctest.h>

#include "daemon/store/store.h"
#include "tests/support/capture_fixture.h"
#include "tests/support/db_model.h"
#include "tests/support/files.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

constexpr const char* kWalPosition = "0000000000000018/c84ba9b1ffc23f29";
constexpr const char* kDeletePosition = "0000000000000016/fc1ff68a169c4499";

struct Adopted : CaptureFixture {
  explicit Adopted(const std::string& golden) {
    std::filesystem::copy(unpacked(golden), dir.path(),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
  }
  [[nodiscard]] std::string position(const std::string& name) {
    return to_string(vfs.database(name)->info().position);
  }
  [[nodiscard]] std::string value(const std::string& name, const std::string& sql) {
    SqliteDb db(path(name), "captured");
    return db.value(sql);
  }
};

TEST_CASE("positions, rows and cluster id are LiteFS's, and its files are set aside") {
  for (const char* golden : {"data", "data-lz4"}) {
    CAPTURE(golden);
    Adopted f(golden);
    const Bytes cluster_id = read_file(f.dir.path() + "/clusterid");
    const size_t files = files_in(f.dir_of("wal.db") + "/ltx", ".ltx").size();
    REQUIRE(files > 0);
    for (int start = 0; start < 2; ++start) {
      CAPTURE(start);
      auto store =
          store::Store::open({f.fs, f.clock, f.gate, f.listener, f.cache, NodeId(1)}, f.dir.path());
      REQUIRE(store.has_value());
      CHECK((*store)->broken().empty());
      auto wal = (*store)->find("wal.db");
      CHECK(to_string(wal->info().position) == kWalPosition);
      CHECK(to_string((*store)->find("del.db")->info().position) == kDeletePosition);
      CHECK(wal->recovery().notes.size() == (start == 0 ? 2 : 0));
      CHECK(wal->info().timestamp_ms > 1'600'000'000'000);
      if (start == 0) CHECK(wal->recovery().notes[0].contains("taken over from LiteFS"));
    }
    CHECK(files_in(f.dir_of("wal.db") + "/ltx-litefs-0000000000000018", ".ltx").size() == files);
    CHECK(read_file(f.dir.path() + "/clusterid") == cluster_id);
    CHECK(f.value("wal.db", "select count(*) || ' ' || sum(length(v)) from t") == "64 16491");
    CHECK(f.value("del.db", "select count(*) || ' ' || sum(length(v)) from t") == "14 1491");
    // The next transactions follow.
    SqliteDb db(f.path("wal.db"), "captured");
    REQUIRE(db.exec("insert into t(v) values('next')") == SQLITE_OK);
    const Position next_position = f.vfs.database("wal.db")->info().position;
    CHECK(next_position.txid == Txid(0x19));
    CHECK(next_position.checksum == read_logical(f.dir_of("wal.db")).checksum());
    const auto first = f.vfs.database("wal.db")->log().stored(Txid(0x19));
    REQUIRE(first->has_value());
    CHECK(to_string((*first)->header()->pre_apply_position()) == kWalPosition);
  }
}

TEST_CASE("an end before LiteFS's files were set aside is made up for") {
  Adopted f("data");
  const std::string ltx = f.dir_of("wal.db") + "/ltx";
  std::filesystem::copy(ltx, f.path("saved"), std::filesystem::copy_options::recursive);
  CHECK(f.position("wal.db") == kWalPosition);
  f.vfs.forget_databases();
  std::filesystem::remove_all(f.dir_of("wal.db") + "/ltx-litefs-0000000000000018");
  std::filesystem::rename(f.path("saved"), ltx);
  CHECK(f.position("wal.db") == kWalPosition);
  CHECK(std::filesystem::exists(f.dir_of("wal.db") + "/ltx-litefs-0000000000000018"));
}

TEST_CASE("a WAL that LiteFS did not get to recording becomes the next transactions") {
  Adopted f("data-lz4");
  const std::string plain = f.path("plain.db");
  std::filesystem::copy(f.dir_of("wal.db") + "/database", plain);
  {
    SqliteDb db(plain);
    REQUIRE(db.exec("insert into t(v) values('one')") == SQLITE_OK);
    REQUIRE(db.exec("insert into t(v) values('two')") == SQLITE_OK);
    std::filesystem::copy(plain + "-wal", f.dir_of("wal.db") + "/wal");
  }
  CHECK(f.vfs.database("wal.db")->info().position.txid == Txid(0x1a));
  CHECK(f.vfs.database("wal.db")->recovery().derived_commits == 2);
  CHECK(to_string(f.vfs.database("wal.db")
                      ->log()
                      .stored(Txid(0x19))
                      ->value()
                      .header()
                      ->pre_apply_position()) == kWalPosition);
  CHECK(f.value("wal.db", "select count(*) from t") == "66");
}

TEST_CASE(
    "a database that is not what LiteFS's last transaction says is taken as it is, and said") {
  for (const bool damaged : {false, true}) {
    CAPTURE(damaged);
    Adopted f("data");
    if (damaged) {
      const auto files = files_in(f.dir_of("del.db") + "/ltx", ".ltx");
      std::filesystem::resize_file(files.back(), 150);
    } else {
      SqliteDb db(f.dir_of("del.db") + "/database");
      REQUIRE(db.exec("insert into t(v) values('behind the mount')") == SQLITE_OK);
    }
    auto database = f.vfs.database("del.db");
    CHECK(database->info().position.txid == Txid(0x17));
    CHECK(database->info().position.checksum == read_logical(f.dir_of("del.db")).checksum());
    REQUIRE(database->recovery().notes.size() == 3);
    CHECK(database->recovery().notes[0].contains("integrity_check"));
    CHECK(f.value("del.db", "pragma integrity_check") == "ok");
  }
}

}  // namespace
}  // namespace skerry::test
