#include "daemon/apply/writer_hold.h"

#include <doctest/doctest.h>

#include <thread>

#include "tests/support/apply_fixture.h"
#include "tests/support/sqlite_db.h"

// SQLite and the hold share one process here, whose POSIX locks on a file go when any descriptor of
// it is closed: connections end before a hold does.

namespace skerry::test {
namespace {

using std::chrono::milliseconds;

const std::atomic<bool> kNever{false};

// A primary whose mount is its data folder.
struct HoldFixture : ReplicaFixture {
  apply::WriterHold hold{*store, mount, cache, clock};
  HoldFixture() { gate.writable = true; }

  void create(const std::string& name, const std::string& mode) {
    SqliteDb db(path(name), "replica");
    REQUIRE(db.value("pragma journal_mode=" + mode) == mode);
    REQUIRE(db.exec("create table t(v); insert into t values(1)") == SQLITE_OK);
  }
  [[nodiscard]] int insert(const std::string& name) const {
    return SqliteDb(path(name), "replica").exec("insert into t values(2)") & 0xff;
  }
  [[nodiscard]] std::string count(const std::string& name) const {
    return SqliteDb(path(name), "replica").value("select count(*) from t");
  }
};

TEST_CASE("writers of each journal mode wait, readers go on") {
  for (const char* mode : {"wal", "delete", "truncate", "persist"}) {
    CAPTURE(mode);
    HoldFixture f;
    f.create("a.db", mode);
    f.create("b.db", mode);
    const Position before = f.position("a.db");
    const Status taken = f.hold.take(milliseconds(2000), kNever);
    if (!taken) FAIL(taken.error().message());
    CHECK(f.hold.databases() == 2);
    CHECK(f.insert("a.db") == SQLITE_BUSY);
    CHECK(f.insert("b.db") == SQLITE_BUSY);
    CHECK(f.count("a.db") == "1");
    CHECK(f.position("a.db") == before);
    f.hold.release();
    CHECK(f.insert("a.db") == SQLITE_OK);
    CHECK(f.count("a.db") == "2");
    CHECK(SqliteDb(f.path("a.db"), "replica").value("pragma integrity_check") == "ok");
  }
}

TEST_CASE("a transaction under way finishes before its database is held") {
  HoldFixture f;
  f.create("a.db", "wal");
  Status taken = fail(Errc::kBusy, "not yet");
  std::optional<SqliteDb> db(std::in_place, f.path("a.db"), "replica");
  REQUIRE(db->exec("begin immediate; insert into t values(2)") == SQLITE_OK);
  std::thread holder([&] { taken = f.hold.take(apply::WriterHold::kSlice / 2, kNever); });
  CHECK(db->exec("commit") == SQLITE_OK);
  holder.join();
  if (!taken) FAIL(taken.error().message());
  CHECK((db->exec("insert into t values(3)") & 0xff) == SQLITE_BUSY);
  db.reset();
  f.hold.release();
  CHECK(f.count("a.db") == "2");
}

TEST_CASE("one transaction that does not end: nobody is held, and it is named") {
  HoldFixture f;
  f.create("a.db", "wal");
  f.create("b.db", "wal");
  {
    SqliteDb b(f.path("b.db"), "replica");
    REQUIRE(b.exec("begin immediate") == SQLITE_OK);
    const Status taken = f.hold.take(milliseconds(20), kNever);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code() == Errc::kBusy);
    CHECK(taken.error().message().find("b.db") != std::string::npos);
    CHECK(f.hold.databases() == 0);
  }
  CHECK(f.insert("a.db") == SQLITE_OK);
  {
    SqliteDb a(f.path("a.db"), "replica");
    REQUIRE(a.exec("begin immediate") == SQLITE_OK);
    const std::atomic<bool> cancelled{true};
    const Status ended = f.hold.take(milliseconds(20'000), cancelled);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code() == Errc::kCancelled);
  }
}

TEST_CASE("databases without content, or dropped, are in nobody's way") {
  HoldFixture f;
  f.create("gone.db", "delete");
  REQUIRE(f.mount.unlink("gone.db").has_value());
  REQUIRE(f.store->find_or_create("void.db").has_value());
  const Status taken = f.hold.take(milliseconds(2000), kNever);
  if (!taken) FAIL(taken.error().message());
}

}  // namespace
}  // namespace skerry::test
