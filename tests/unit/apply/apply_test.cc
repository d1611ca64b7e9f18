#include <doctest/doctest.h>

#include <random>

#include "tests/support/apply_fixture.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

const std::string kName = "a.db";

struct Pair {
  CaptureFixture primary;
  ReplicaFixture replica;

  void follow() {
    const Status done =
        test::follow(*replica.applier, *replica.store, kName, primary.vfs.database(kName)->log());
    if (!done) FAIL(done.error().message());
  }
  void check_equal() {
    const auto here = primary.vfs.database(kName)->info().position;
    REQUIRE(replica.position(kName) == here);
    const DbImage want = read_logical(primary.dir_of(kName));
    const DbImage have = read_logical(replica.dir_of(kName));
    REQUIRE(have.page_bytes == want.page_bytes);
    REQUIRE(have.pages.size() == want.pages.size());
    for (size_t i = 0; i < want.pages.size(); ++i) {
      if (have.pages[i] != want.pages[i]) FAIL("page " << i + 1 << " differs");
    }
    const auto database = replica.store->find(kName);
    LogReplay replay;
    if (const auto first = database->log().first(); first == Txid(1)) {
      const Status replayed = replay.advance(database->log());
      if (!replayed) FAIL(replayed.error().message());
      CHECK(replay.position() == here);
    }
  }
};

TEST_CASE("each journal mode: what the primary commits is what a reader finds") {
  for (const char* mode : {"wal", "delete", "truncate", "persist"}) {
    CAPTURE(mode);
    Pair p;
    {
      SqliteDb db(p.primary.path(kName), "captured");
      REQUIRE(db.value(std::string("pragma journal_mode=") + mode) == mode);
      REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
      p.follow();
      SqliteDb reader(p.replica.path(kName), "replica");
      REQUIRE(reader.value("select count(*) from t") == "0");
      for (int i = 1; i <= 20; ++i) {
        REQUIRE(db.exec("insert into t(v) values(randomblob(700))") == SQLITE_OK);
        p.follow();
        REQUIRE(reader.value("select count(*) from t") == std::to_string(i));
      }
      CHECK(reader.value("pragma integrity_check") == "ok");
      CHECK(reader.exec("insert into t(v) values(1)") != SQLITE_OK);
      p.check_equal();
      REQUIRE(db.exec("begin; delete from t where id%2=0; update t set v=zeroblob(30000)") ==
              SQLITE_OK);
      REQUIRE(db.exec("commit; vacuum") == SQLITE_OK);
      p.follow();
      CHECK(reader.value("select count(*) from t") == "10");
      CHECK(reader.value("pragma integrity_check") == "ok");
    }
    p.check_equal();
  }
}

TEST_CASE("an open read transaction keeps its snapshot while the WAL goes on") {
  Pair p;
  SqliteDb db(p.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=wal") == "wal");
  REQUIRE(db.exec("create table t(v); insert into t values(0)") == SQLITE_OK);
  p.follow();
  SqliteDb old_reader(p.replica.path(kName), "replica");
  REQUIRE(old_reader.exec("begin") == SQLITE_OK);
  REQUIRE(old_reader.value("select v from t") == "0");
  SqliteDb reader(p.replica.path(kName), "replica");
  for (int i = 1; i <= 50; ++i) {
    REQUIRE(db.exec("update t set v=" + std::to_string(i)) == SQLITE_OK);
    p.follow();
    REQUIRE(p.replica.applier->checkpoint(kName).has_value());
    REQUIRE(old_reader.value("select v from t") == "0");
    REQUIRE(reader.value("select v from t") == std::to_string(i));
  }
  REQUIRE(old_reader.exec("commit") == SQLITE_OK);
  REQUIRE(old_reader.value("select v from t") == "50");
  const auto before = p.replica.store->find(kName)->info().wal_frames;
  REQUIRE(p.replica.applier->checkpoint(kName).has_value());
  REQUIRE(db.exec("update t set v=99") == SQLITE_OK);
  p.follow();
  CHECK(p.replica.store->find(kName)->info().wal_frames < before);
  CHECK(reader.value("select v from t") == "99");
  p.check_equal();
}

TEST_CASE("pages that do not sum up change nothing") {
  for (const char* mode : {"wal", "delete"}) {
    CAPTURE(mode);
    Pair p;
    SqliteDb db(p.primary.path(kName), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    REQUIRE(db.exec("create table t(v); insert into t values(1)") == SQLITE_OK);
    p.follow();
    const Position before = p.replica.position(kName);
    REQUIRE(db.exec("insert into t values(2)") == SQLITE_OK);
    const auto record = p.primary.vfs.database(kName)->log().find(next(before.txid));
    REQUIRE(record.has_value());
    auto stored = record->segment->stored(record->place);
    REQUIRE(stored.has_value());
    db::StoredLtxSource source(*stored);
    ltx::Decoder decoder(source);
    const auto header = decoder.header();
    auto incoming = p.replica.applier->begin(kName, *header);
    REQUIRE(incoming.has_value());
    Bytes page(header->page_size.bytes());
    while (*decoder.next_page(page)) {
    }
    REQUIRE((*incoming)->add(PageNo(1), page).has_value());
    const auto trailer = decoder.finish();
    const Status done = (*incoming)->commit(trailer->post_apply_checksum);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code() == Errc::kCorrupt);
    incoming->reset();
    CHECK(p.replica.position(kName) == before);
    SqliteDb reader(p.replica.path(kName), "replica");
    CHECK(reader.value("select count(*) from t") == "1");
    p.follow();
    CHECK(reader.value("select count(*) from t") == "2");
    // Again: it does not follow any more.
    const auto again = p.replica.applier->begin(kName, *header);
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code() == Errc::kInvalid);
  }
}

TEST_CASE("large transactions go through a file, and none is left behind") {
  for (const char* mode : {"wal", "delete"}) {
    CAPTURE(mode);
    Pair p;
    {
      SqliteDb db(p.primary.path(kName), "captured");
      db.value(std::string("pragma journal_mode=") + mode);
      REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
      REQUIRE(db.exec("with recursive n(i) as (select 1 union all select i+1 from n where i<3000) "
                      "insert into t(v) select randomblob(1000) from n") == SQLITE_OK);
      REQUIRE(db.exec("insert into t(v) values(1)") == SQLITE_OK);
      p.follow();
      REQUIRE(db.exec("delete from t where id%3=0; vacuum; insert into t(v) values(2)") ==
              SQLITE_OK);
      p.follow();
      SqliteDb reader(p.replica.path(kName), "replica");
      CHECK(reader.value("select count(*) from t") == "2002");
      CHECK(reader.value("pragma integrity_check") == "ok");
      p.check_equal();
      REQUIRE(p.replica.applier->checkpoint(kName).has_value());
      CHECK(reader.value("pragma integrity_check") == "ok");
    }
    CHECK_FALSE(std::filesystem::exists(p.replica.dir_of(kName) + "/incoming.ltx"));
    p.replica.reopen();
    p.check_equal();
  }
}

TEST_CASE("changes of journal mode, page size and existence") {
  Pair p;
  auto db = std::make_unique<SqliteDb>(p.primary.path(kName), "captured");
  REQUIRE(db->exec("create table t(v); insert into t values(1)") == SQLITE_OK);
  p.follow();
  auto reader = std::make_unique<SqliteDb>(p.replica.path(kName), "replica");
  REQUIRE(reader->value("select count(*) from t") == "1");
  const auto step = [&](const std::string& sql, const std::string& count) {
    CAPTURE(sql);
    db->value(sql);
    REQUIRE(db->error() == SQLITE_OK);
    p.follow();
    REQUIRE(reader->value("select count(*) from t") == count);
    REQUIRE(reader->value("pragma integrity_check") == "ok");
    p.check_equal();
  };
  step("pragma journal_mode=wal", "1");
  step("insert into t values(2)", "2");
  step("pragma journal_mode=delete", "2");
  step("insert into t values(3)", "3");
  REQUIRE(db->exec("pragma page_size=1024; vacuum") == SQLITE_OK);
  step("insert into t values(4)", "4");
  CHECK(reader->value("pragma page_size") == "1024");
  step("pragma journal_mode=wal", "4");
  step("insert into t values(5)", "5");
  step("pragma journal_mode=truncate", "5");
  REQUIRE(db->exec("pragma page_size=8192; vacuum") == SQLITE_OK);
  step("insert into t values(6)", "6");
  db.reset();
  reader.reset();
  const auto primary = p.primary.vfs.database(kName);
  primary->remove(
      db::FileKind::kDatabase,
      [&]() -> Status {
        std::filesystem::remove(primary->path(db::FileKind::kDatabase));
        return {};
      },
      [](Status status) { REQUIRE(status.has_value()); });
  p.follow();
  CHECK(p.replica.position(kName) == primary->info().position);
  for (const auto kind : db::kFileKinds) {
    CHECK_FALSE(std::filesystem::exists(p.replica.store->find(kName)->path(kind)));
  }
  SqliteDb anew(p.primary.path(kName), "captured");
  REQUIRE(anew.exec("create table u(v); insert into u values(7)") == SQLITE_OK);
  p.follow();
  SqliteDb look(p.replica.path(kName), "replica");
  CHECK(look.value("select v from u") == "7");
  p.check_equal();
}

class Workload {
 public:
  Workload(SqliteDb& db, uint64_t seed) : db_(db), random_(seed) {}

  void step() {
    switch (pick(10)) {
      case 0:
        db_.value(std::string("pragma journal_mode=") +
                  any({"wal", "wal", "wal", "delete", "truncate", "persist"}));
        break;
      case 1:
        if (pick(4) == 0) db_.exec("vacuum");
        break;
      case 2:
        db_.value(std::string("pragma wal_checkpoint(") + any({"passive", "restart", "truncate"}) +
                  ")");
        break;
      case 3:
        db_.exec("delete from t where id%3=" + std::to_string(pick(3)));
        break;
      default:
        transaction();
    }
  }

 private:
  uint64_t pick(uint64_t n) { return random_() % n; }
  const char* any(std::initializer_list<const char*> of) { return of.begin()[pick(of.size())]; }
  void transaction() {
    db_.exec("begin");
    for (uint64_t i = pick(30); i > 0; --i) {
      db_.exec("insert into t(v) values(randomblob(" +
               std::to_string(pick(8) == 0 ? 40000 : pick(900)) + "))");
    }
    db_.exec("update t set v=randomblob(300) where id%7=" + std::to_string(pick(7)));
    db_.exec(pick(5) == 0 ? "rollback" : "commit");
  }

  SqliteDb& db_;
  std::mt19937_64 random_;
};

TEST_CASE("random transactions: the replica's pages are the primary's at each position") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    Pair p;
    std::mt19937_64 random(seed);
    SqliteDb db(p.primary.path(kName), "captured");
    db.exec("create table t(id integer primary key, v)");
    p.follow();
    auto reader = std::make_unique<SqliteDb>(p.replica.path(kName), "replica");
    Workload workload(db, seed);
    for (int i = 0; i < 60; ++i) {
      CAPTURE(i);
      workload.step();
      const bool reads = random() % 2 == 0;
      p.follow();
      if (reads) {
        REQUIRE(reader->value("select count(*),sum(length(v)) from t") ==
                db.value("select count(*),sum(length(v)) from t"));
      }
      p.check_equal();
      if (random() % 5 == 0) REQUIRE(p.replica.applier->checkpoint(kName).has_value());
      if (random() % 9 == 0) reader->value("pragma wal_checkpoint");
      if (random() % 12 == 0) {
        REQUIRE(reader->value("pragma integrity_check") == "ok");
        reader.reset();
        p.replica.reopen();
        reader = std::make_unique<SqliteDb>(p.replica.path(kName), "replica");
      }
    }
    reader.reset();
  }
}

}  // namespace
}  // namespace skerry::test
