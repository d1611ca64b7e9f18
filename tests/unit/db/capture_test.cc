#include <doctest/doctest.h>

#include <random>

#include "tests/support/capture_fixture.h"
#include "tests/support/db_model.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

// The log replays to what the files hold, at the position that the database claims.
void check_captured(CaptureFixture& f, const std::string& name, LogReplay& replay) {
  auto database = f.vfs.database(name);
  // Nobody has the locks between two statements.
  database->commit_unjournaled([] { return true; },
                               [](Status status) { REQUIRE(status.has_value()); });
  const Status advanced = replay.advance(database->log());
  if (!advanced) FAIL(advanced.error().message());
  REQUIRE(database->info().position == replay.position());
  const DbImage logical = read_logical(f.dir_of(name));
  REQUIRE(replay.image().pages.size() == logical.pages.size());
  for (size_t i = 0; i < logical.pages.size(); ++i) {
    if (replay.image().pages[i] != logical.pages[i]) FAIL("page " << i + 1 << " differs");
  }
}

TEST_CASE("each journal mode: a commit moves the position by one, a rollback does not") {
  for (const char* mode : {"delete", "truncate", "persist", "wal"}) {
    CAPTURE(mode);
    CaptureFixture f;
    LogReplay replay;
    SqliteDb db(f.path("a.db"), "captured");
    REQUIRE(db.value(std::string("pragma journal_mode=") + mode) == mode);
    REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
    check_captured(f, "a.db", replay);
    const Txid before = replay.position().txid;
    for (int i = 0; i < 20; ++i) {
      REQUIRE(db.exec("insert into t(v) values(randomblob(700))") == SQLITE_OK);
    }
    check_captured(f, "a.db", replay);
    CHECK(replay.position().txid.value() == before.value() + 20);
    REQUIRE(db.exec("begin; delete from t; insert into t(v) values(1); rollback") == SQLITE_OK);
    check_captured(f, "a.db", replay);
    CHECK(replay.position().txid.value() == before.value() + 20);
  }
}

TEST_CASE("without a journal, a commit is taken at the sync or once the locks are free") {
  for (const char* mode : {"memory", "off"}) {
    for (const char* sync : {"full", "off"}) {
      CAPTURE(mode);
      CAPTURE(sync);
      CaptureFixture f;
      LogReplay replay;
      SqliteDb db(f.path("a.db"), "captured");
      REQUIRE(db.value(std::string("pragma journal_mode=") + mode) == mode);
      REQUIRE(db.exec(std::string("pragma synchronous=") + sync) == SQLITE_OK);
      REQUIRE(db.exec("create table t(v); insert into t values(randomblob(9000))") == SQLITE_OK);
      auto database = f.vfs.database("a.db");
      CHECK(database->has_unjournaled_changes() == (std::string(sync) == "off"));
      database->commit_unjournaled([] { return true; },
                                   [](Status status) { CHECK(status.has_value()); });
      check_captured(f, "a.db", replay);
      CHECK(replay.position().txid.value() >= 1);
    }
  }
}

TEST_CASE("a refused commit rolls back, nobody sees it, and the next one works") {
  for (const char* mode : {"delete", "truncate", "persist", "wal"}) {
    CAPTURE(mode);
    CaptureFixture f;
    LogReplay replay;
    SqliteDb db(f.path("a.db"), "captured");
    SqliteDb other(f.path("a.db"), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    REQUIRE(db.exec("create table t(v); insert into t values(1)") == SQLITE_OK);
    check_captured(f, "a.db", replay);
    const Position before = replay.position();
    for (int i = 0; i < 3; ++i) {
      f.gate.refuse = true;
      CHECK(db.exec("insert into t values(randomblob(20000))") != SQLITE_OK);
      CHECK_FALSE(db.in_transaction());
      f.gate.refuse = false;
      CHECK(other.value("select count(*) from t") == std::to_string(1 + i));
      CHECK(db.value("pragma integrity_check") == "ok");
      CHECK(db.exec("insert into t values(2)") == SQLITE_OK);
    }
    check_captured(f, "a.db", replay);
    CHECK(replay.position().txid.value() >= before.txid.value() + 3);
  }
}

TEST_CASE("a commit that reaches the disk after the right to write has ended is not acknowledged") {
  CaptureFixture f;
  LogReplay replay;
  {
    SqliteDb db(f.path("a.db"), "captured");
    db.value("pragma journal_mode=wal");
    REQUIRE(db.exec("create table t(v); insert into t values(1)") == SQLITE_OK);
    f.gate.late = true;
    for (const char* size : {"100", "50000"}) {
      CHECK(db.exec(std::string("insert into t values(randomblob(") + size + "))") != SQLITE_OK);
    }
    check_captured(f, "a.db", replay);
    const Position before = replay.position();
    f.gate.late = false;
    CHECK(db.value("select count(*) from t") == "1");
    CHECK(db.exec("insert into t values(2)") == SQLITE_OK);
    check_captured(f, "a.db", replay);
    CHECK(replay.position().txid == next(before.txid));
    f.gate.late = true;
    CHECK(db.exec("insert into t values(3)") != SQLITE_OK);
    // No recovery of the WAL finds it either.
    const TempDir copy;
    const std::string path = copy.path() + "/copy.db";
    std::filesystem::copy_file(f.dir_of("a.db") + "/database", path);
    std::filesystem::copy_file(f.dir_of("a.db") + "/wal", path + "-wal");
    SqliteDb recovered(path, "unix");
    CHECK(recovered.value("select count(*) from t") == "2");
    CHECK(recovered.value("pragma integrity_check") == "ok");
    f.gate.late = false;
  }
  {
    SqliteDb db(f.path("a.db"), "captured");
    CHECK(db.value("select count(*) from t") == "2");
  }
  // With a journal it is too late to undo it, but nobody is told that it was committed.
  for (const char* mode : {"delete", "truncate", "persist"}) {
    CAPTURE(mode);
    SqliteDb db(f.path("b.db"), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    REQUIRE(db.exec("create table if not exists t(v); insert into t values(1)") == SQLITE_OK);
    f.gate.late = true;
    CHECK(db.exec("insert into t values(2)") != SQLITE_OK);
    f.gate.late = false;
    LogReplay all;
    check_captured(f, "b.db", all);
    SqliteDb other(f.path("b.db"), "captured");
    CHECK(other.value("pragma integrity_check") == "ok");
    CHECK(other.exec("insert into t values(3)") == SQLITE_OK);
  }
}

TEST_CASE("a commit that the gate holds is answered later, either way") {
  CaptureFixture f;
  LogReplay replay;
  for (const char* mode : {"wal", "delete"}) {
    CAPTURE(mode);
    SqliteDb db(f.path("a.db"), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    REQUIRE(db.exec("create table if not exists t(v); delete from t") == SQLITE_OK);
    f.gate.hold_next = true;
    CHECK(db.exec("insert into t values(1)") == SQLITE_OK);
    f.gate.refuse_held = true;
    CHECK(db.exec("insert into t values(2)") != SQLITE_OK);
    f.gate.refuse_held = false;
    CHECK(db.exec("insert into t values(3)") == SQLITE_OK);
    CHECK(db.value("select group_concat(v) from t") == "1,3");
    f.gate.hold_next = false;
    check_captured(f, "a.db", replay);
  }
}

TEST_CASE("a writer on a replica is refused in every mode, cleanly") {
  for (const char* mode : {"delete", "wal"}) {
    CAPTURE(mode);
    CaptureFixture f;
    SqliteDb db(f.path("a.db"), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    REQUIRE(db.exec("create table t(v); insert into t values(1)") == SQLITE_OK);
    f.gate.writable = false;
    CHECK(db.exec("insert into t values(2)") != SQLITE_OK);
    CHECK(db.value("select count(*) from t") == "1");
    f.gate.writable = true;
    CHECK(db.exec("insert into t values(3)") == SQLITE_OK);
    CHECK(db.value("select count(*) from t") == "2");
  }
}

TEST_CASE("a writer that loses its right before the first page is written rolls back, and is read") {
  for (const char* mode : {"delete", "truncate", "persist"}) {
    CAPTURE(mode);
    CaptureFixture f;
    LogReplay replay;
    SqliteDb db(f.path("a.db"), "captured");
    SqliteDb other(f.path("a.db"), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    REQUIRE(db.exec("create table t(v); insert into t values(randomblob(9000))") == SQLITE_OK);
    REQUIRE(db.exec("begin; update t set v=randomblob(9000)") == SQLITE_OK);
    f.gate.writable = false;
    CHECK(db.exec("commit") != SQLITE_OK);
    db.exec("rollback");
    CHECK(other.value("select count(*) from t") == "1");
    CHECK(db.value("pragma integrity_check") == "ok");
    check_captured(f, "a.db", replay);
  }
}

TEST_CASE("dropped and created anew with another page size") {
  CaptureFixture f;
  LogReplay replay;
  for (const int page_size : {4096, 512, 65536}) {
    {
      SqliteDb db(f.path("a.db"), "captured");
      db.exec("pragma page_size=" + std::to_string(page_size));
      REQUIRE(db.exec("create table t(v); insert into t values(randomblob(100000))") == SQLITE_OK);
      check_captured(f, "a.db", replay);
    }
    auto database = f.vfs.database("a.db");
    const std::string path = database->path(db::FileKind::kDatabase);
    database->remove(
        db::FileKind::kDatabase,
        [&]() -> Status {
          std::filesystem::remove(path);
          return {};
        },
        [](Status status) { CHECK(status.has_value()); });
    check_captured(f, "a.db", replay);
    CHECK(replay.position().checksum == kEmptyChecksum);
  }
}

// What another machine would find in the files alone is what the connection sees: nothing committed
// hangs on the wal-index.
void check_recoverable(CaptureFixture& f, const std::string& name, SqliteDb& live) {
  const TempDir copy;
  const std::string path = copy.path() + "/copy.db";
  std::filesystem::copy(f.dir_of(name) + "/database", path);
  if (std::filesystem::exists(f.dir_of(name) + "/wal")) {
    std::filesystem::copy(f.dir_of(name) + "/wal", path + "-wal");
  }
  if (std::filesystem::exists(f.dir_of(name) + "/journal")) {
    std::filesystem::copy(f.dir_of(name) + "/journal", path + "-journal");
  }
  const std::string sum = "select count(*) || ' ' || ifnull(sum(length(v) * id), 0) from t";
  SqliteDb recovered(path);
  CHECK(recovered.value(sum) == live.value(sum));
}

// SKERRY_SEED repeats a run.
uint64_t first_seed() {
  const char* fixed = std::getenv("SKERRY_SEED");
  return fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : std::random_device()();
}

class Workload {
 public:
  Workload(SqliteDb& db, uint64_t seed) : db_(db), random_(seed) {}

  void step() {
    switch (pick(24)) {
      case 0:
        run("pragma journal_mode=" +
            std::string(any({"delete", "truncate", "persist", "wal", "memory"})));
        break;
      case 1:
        run("vacuum");
        break;
      case 2:
        run("pragma incremental_vacuum(" + std::to_string(pick(30)) + ")");
        break;
      case 3:
        run("pragma wal_checkpoint(" +
            std::string(any({"passive", "full", "restart", "truncate"})) + ")");
        break;
      case 4:
        run("pragma cache_size=" + std::to_string(5 + pick(40)));
        break;
      case 5:
        run("delete from t where id % " + std::to_string(2 + pick(5)) + " = 0");
        break;
      case 6:
        run("drop table if exists u; create table u as select * from t limit 50");
        break;
      case 7:
        run("pragma page_size=" + std::string(any({"512", "1024", "4096", "8192"})));
        break;
      case 8:
        run("pragma auto_vacuum=" + std::string(any({"none", "full", "incremental"})));
        break;
      case 9:
        run("pragma secure_delete=" + std::string(any({"on", "off", "fast"})));
        break;
      case 10:
        transaction();
        break;
      case 11:
        savepoints();
        break;
      case 12:
        run("pragma wal_autocheckpoint=" + std::string(any({"0", "5", "50", "1000"})));
        break;
      case 13:
        run("pragma synchronous=" + std::string(any({"off", "normal", "full", "extra"})));
        break;
      case 14:
        run("create index if not exists i on t(v); reindex");
        break;
      case 15:
        run("drop index if exists i");
        break;
      case 16:
        run("pragma journal_size_limit=" + std::string(any({"-1", "0", "4096", "100000"})));
        break;
      case 17:
        run("pragma locking_mode=" + std::string(any({"normal", "exclusive"})) +
            "; select 1 from t limit 1");
        break;
      case 18:
        run("delete from t");
        break;
      default:
        insert();
        break;
    }
  }

 private:
  uint64_t pick(uint64_t n) { return random_() % n; }
  const char* any(std::initializer_list<const char*> of) { return of.begin()[pick(of.size())]; }
  void run(const std::string& sql) {
    int e = db_.exec(sql);
    if (getenv("TRACE")) fprintf(stderr, "%s -> %d\n", sql.c_str(), e);
  }
  void insert() {
    run("insert into t(v) values(randomblob(" + std::to_string(pick(pick(6) == 0 ? 30000 : 800)) +
        "))");
  }
  void transaction() {
    run("begin");
    for (uint64_t i = pick(60); i > 0; --i) insert();
    if (pick(2) == 0)
      run("update t set v=randomblob(" + std::to_string(pick(900)) + ") where id%3=0");
    if (pick(3) == 0) run("delete from t where id%2=0");
    run(pick(4) == 0 ? "rollback" : "commit");
    if (db_.in_transaction()) run("rollback");
  }
  void savepoints() {
    run("begin");
    insert();
    run("savepoint a");
    for (uint64_t i = pick(80); i > 0; --i) insert();
    run(pick(2) == 0 ? "rollback to a" : "release a");
    for (uint64_t i = pick(20); i > 0; --i) insert();
    run("commit");
    if (db_.in_transaction()) run("rollback");
  }

  SqliteDb& db_;
  std::mt19937_64 random_;
};

TEST_CASE("random transactions: what is captured is what the files became") {
  const uint64_t first = first_seed();
  for (uint64_t seed = first; seed < first + 12; ++seed) {
    CAPTURE(seed);
    CaptureFixture f;
    LogReplay replay;
    SqliteDb db(f.path("a.db"), "captured");
    db.exec("create table t(id integer primary key, v)");
    Workload workload(db, seed);
    for (int i = 0; i < 150; ++i) {
      CAPTURE(i);
      workload.step();
      check_captured(f, "a.db", replay);
      if (i % 10 == 0) check_recoverable(f, "a.db", db);
    }
    db.exec("pragma locking_mode=normal; select 1 from t limit 1");
    CHECK(db.value("pragma integrity_check") == "ok");
  }
}

TEST_CASE("the process dies anywhere: what is reopened agrees and goes on") {
  const uint64_t first = first_seed();
  for (uint64_t seed = first; seed < first + 8; ++seed) {
    CAPTURE(seed);
    CaptureFixture f;
    LogReplay replay;
    for (int round = 0; round < 10; ++round) {
      CAPTURE(round);
      {
        SqliteDb db(f.path("a.db"), "captured");
        db.exec("create table if not exists t(id integer primary key, v)");
        Workload workload(db, seed * 100 + static_cast<uint64_t>(round));
        for (int i = 0; i < 15; ++i) workload.step();
        db.exec("pragma locking_mode=normal; select 1 from t limit 1");
      }
      check_captured(f, "a.db", replay);
      f.vfs.forget_databases();
      check_captured(f, "a.db", replay);
      CHECK(f.vfs.database("a.db")->recovery().notes.empty());
    }
  }
}

}  // namespace
}  // namespace skerry::test
