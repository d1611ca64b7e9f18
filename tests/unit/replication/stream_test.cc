#include <doctest/doctest.h>

#include <fstream>
#include <random>

#include "tests/support/stream_fixture.h"

namespace skerry::test {
namespace {

using replication::ImageReason;
using replication::Sender;

const std::string kName = "a.db";

void write_rows(SqliteDb& db, int from, int to, int bytes) {
  REQUIRE(db.exec("with recursive n(i) as (select " + std::to_string(from) +
                  " union all select i+1 from n where i < " + std::to_string(to) +
                  ") insert or replace into t select i, randomblob(" + std::to_string(bytes) +
                  ") from n") == SQLITE_OK);
}

// Everything before `txid` leaves the history, as retention does it.
void forget_history(PrimaryFixture& primary) {
  auto& log = primary.store->find(kName)->log();
  log.roll();
  SqliteDb db(primary.path(kName), "captured");
  REQUIRE(db.exec("insert or replace into t values(999999, randomblob(50))") == SQLITE_OK);
  REQUIRE(log.remove_before(log.last()).has_value());
  REQUIRE(log.oldest() == log.last());
}

TEST_CASE("each journal mode: transactions arrive as they were committed") {
  for (const char* mode : {"wal", "delete", "truncate", "persist"}) {
    CAPTURE(mode);
    StreamFixture f;
    SqliteDb db(f.primary.path(kName), "captured");
    REQUIRE(db.value(std::string("pragma journal_mode=") + mode) == mode);
    REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
    f.connect();
    f.sync(kName);
    std::mt19937 random(3);
    for (int i = 0; i < 60; ++i) {
      write_rows(db, static_cast<int>(random() % 50), static_cast<int>(random() % 90) + 50,
                 static_cast<int>(random() % 400));
      if (i % 7 == 0) REQUIRE(db.exec("delete from t where id % 3 = 1") == SQLITE_OK);
      if (i % 20 == 19) REQUIRE(db.exec("vacuum") == SQLITE_OK);
      f.sync(kName);
      f.check_equal(kName);
    }
    CHECK(f.notes.repairs == 0);
    CHECK(f.notes.images == 0);
    CHECK(f.sender->acknowledged()[kName].received == f.primary.position(kName).txid);
  }
}

// Bytes of one message's worth of stream for `sql`, as they go over the wire.
uint64_t wire_bytes_of(StreamFixture& f, SqliteDb& db, const std::string& sql) {
  const uint64_t before = f.wire_bytes;
  REQUIRE(db.exec(sql) == SQLITE_OK);
  f.sync(kName);
  return f.wire_bytes - before;
}

TEST_CASE("small transactions take few bytes on the wire") {
  for (const char* mode : {"wal", "delete"}) {
    CAPTURE(mode);
    StreamFixture f;
    SqliteDb db(f.primary.path(kName), "captured");
    REQUIRE(db.value(std::string("pragma journal_mode=") + mode) == mode);
    REQUIRE(db.exec("create table t(id integer primary key, name, n)") == SQLITE_OK);
    REQUIRE(db.exec("with recursive i(i) as (select 1 union all select i+1 from i where i < 20000)"
                    "insert into t select i, 'name of number ' || i, i * 7 from i") == SQLITE_OK);
    f.connect();
    f.sync(kName);
    uint64_t inserts = 0;
    uint64_t updates = 0;
    for (int i = 0; i < 20; ++i) {
      const std::string n = std::to_string(i);
      inserts += wire_bytes_of(f, db, "insert into t(name, n) values('a new name " + n + "', 5)");
      updates += wire_bytes_of(
          f, db,
          "update t set name = 'changed to " + n + "' where id = " + std::to_string(i * 900 + 1));
    }
    // On 100 pages, which are some 140 rows apart.
    const uint64_t hundred = wire_bytes_of(
        f, db, "update t set name = 'one of a hundred ' || id where id % 150 = 3 and id < 15000");
    MESSAGE(std::string(mode) << ": insert " << inserts / 20 << ", update " << updates / 20
                              << ", 100 rows on 100 pages " << hundred << " bytes");
    CHECK(inserts / 20 <= 100);
    CHECK(updates / 20 <= 150);
    CHECK(hundred <= 9400);
    f.check_equal(kName);
  }
}

TEST_CASE("a transaction that is too large for the ring comes out of the log, in its turn") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=wal") == "wal");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  f.connect();
  f.sync(kName);
  write_rows(db, 1, 10, 10);
  write_rows(db, 1, 6000, 1000);
  write_rows(db, 1, 10, 10);
  f.sync(kName);
  f.check_equal(kName);
  CHECK(f.notes.images == 0);
}

TEST_CASE(
    "who comes back gets what it lacks from the log, or past it an image of the differences") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=wal") == "wal");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  write_rows(db, 1, 3000, 1000);
  f.connect();
  f.sync(kName);
  f.disconnect();
  for (int i = 0; i < 20; ++i) write_rows(db, i, i + 5, 100);
  f.connect();
  f.sync(kName);
  f.check_equal(kName);
  CHECK(f.notes.replaced.empty());
  f.disconnect();

  write_rows(db, 100, 120, 1000);
  forget_history(f.primary);
  f.wire_bytes = 0;
  f.connect();
  f.sync(kName);
  f.check_equal(kName);
  CHECK(f.notes.replaced == std::vector{ImageReason::kPastRetention});
  CHECK(f.wire_bytes < 200'000);  // of 3 MB
}

TEST_CASE("a stream that falls out of the ring goes on from the log") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=wal") == "wal");
  REQUIRE(db.exec("pragma synchronous=off; create table t(id integer primary key, v)") ==
          SQLITE_OK);
  f.connect();
  f.sync(kName);
  // More than the ring holds, while nobody reads it.
  for (int i = 0; i < 500; ++i) write_rows(db, 1, 15, 500);
  f.sync(kName);
  f.check_equal(kName);
  CHECK(f.notes.images == 0);
}

TEST_CASE("another history of the same name is replaced by the primary's, and it is said") {
  StreamFixture f;
  {
    f.replica.gate.writable = true;
    SqliteDb other(f.replica.path(kName), "replica");
    REQUIRE(other.exec("create table o(v); insert into o values(1); insert into o values(2);"
                       "insert into o values(3)") == SQLITE_OK);
    f.replica.gate.writable = false;
  }
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  write_rows(db, 1, 10, 100);
  f.connect();
  f.sync(kName);
  f.check_equal(kName);
  CHECK(f.notes.replaced == std::vector{ImageReason::kOtherHistory});
  REQUIRE(f.notes.past.size() > 1);  // of the primary, from the replica's txid down
  CHECK(f.notes.past.back() == Position{});
  write_rows(db, 1, 10, 100);
  f.sync(kName);
  f.check_equal(kName);
}

TEST_CASE("nothing is replaced while what would be lost cannot be kept") {
  StreamFixture f;
  f.replica.gate.writable = true;
  {
    SqliteDb other(f.replica.path(kName), "replica");
    REQUIRE(other.exec("create table o(v); insert into o values(1); insert into o values(2)") ==
            SQLITE_OK);
  }
  f.replica.gate.writable = false;
  const Position before = f.replica.position(kName);
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  f.notes.refusal = fail(Errc::kNoSpace, "the disk is full");
  f.connect();
  const Status refused = f.run_until([&] { return false; });
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Errc::kNoSpace);
  CHECK(f.replica.position(kName) == before);
  f.disconnect();
  f.notes.refusal = {};
  f.connect();
  f.sync(kName);
  f.check_equal(kName);
}

// Damages a page of the replica's database file behind its back.
void damage_page(const std::string& dir, uint32_t pgno, uint32_t page_bytes) {
  std::fstream file(dir + "/database", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>((pgno - 1) * page_bytes + page_bytes / 2));
  for (int i = 0; i < 64; ++i) file.put(static_cast<char>(i * 7 + 1));
  REQUIRE(file.good());
}

TEST_CASE("a replica's damaged page is found by the next transaction on it, and repaired") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=delete") == "delete");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  write_rows(db, 1, 200, 1000);
  f.connect();
  f.sync(kName);
  f.check_equal(kName);
  const uint32_t pages = f.primary.store->find(kName)->info().commit;
  for (uint32_t p = 3; p <= pages; ++p) damage_page(f.replica.dir_of(kName), p, 4096);
  for (int i = 1; i < 190; i += 40) {
    REQUIRE(db.exec("update t set v = randomblob(1000) where id = " + std::to_string(i)) ==
            SQLITE_OK);
    f.sync(kName);
  }
  CHECK(f.notes.repairs >= 1);
  CHECK(f.notes.repairs <= 2);  // by what differs, and once by everything
  f.check_equal(kName);
}

TEST_CASE("an image that was interrupted goes on where it was") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=wal") == "wal");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  for (int i = 0; i < 10; ++i) write_rows(db, i * 1000, i * 1000 + 999, 1000);
  f.connect();
  while (f.wire_bytes < 6'000'000) {
    const auto message = f.next_message();
    REQUIRE(message.has_value());
    REQUIRE(f.carry(*message).has_value());
  }
  f.disconnect();
  write_rows(db, 500, 510, 1000);  // what came already may change meanwhile
  f.wire_bytes = 0;
  f.connect();
  f.sync(kName);
  f.check_equal(kName);
  CHECK(f.wire_bytes < 6'000'000);  // of 10 MB
}

TEST_CASE("writers go on during an image, and the stream goes on after it") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=wal") == "wal");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  for (int i = 0; i < 20; ++i) write_rows(db, i * 250, i * 250 + 249, 1000);
  f.connect();
  int writes = 0;
  while (f.notes.images == 0) {
    const auto message = f.next_message();
    REQUIRE(message.has_value());
    REQUIRE(f.carry(*message).has_value());
    if (++writes < 200) write_rows(db, writes * 20, writes * 20 + 3, 900);
  }
  f.sync(kName);
  f.check_equal(kName);
}

TEST_CASE("an open transaction of the primary's holds an image up, but not the heartbeats") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=delete") == "delete");
  REQUIRE(db.exec("pragma cache_size=5; create table t(id integer primary key, v)") == SQLITE_OK);
  for (int i = 0; i < 10; ++i) write_rows(db, i * 100, i * 100 + 99, 1000);
  REQUIRE(db.exec("begin; update t set v = randomblob(1000)") == SQLITE_OK);  // spills
  f.connect();
  for (int i = 0; i < 8; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto message = f.next_message();
    REQUIRE(message.has_value());
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(3));
    REQUIRE(f.carry(*message).has_value());
    REQUIRE(f.beat().has_value());
  }
  CHECK(f.replica.position(kName) == Position{});
  CHECK_FALSE(f.receiver->is_synced());
  REQUIRE(db.exec("commit") == SQLITE_OK);
  f.sync(kName);
  f.check_equal(kName);
}

TEST_CASE("a damaged record of the log is made up for by an image") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=wal") == "wal");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  write_rows(db, 1, 100, 100);
  f.connect();
  f.sync(kName);
  f.disconnect();
  write_rows(db, 1, 6000, 1000);  // too large for one frame
  const auto found = f.primary.store->find(kName)->log().find(f.primary.position(kName).txid);
  REQUIRE(found.has_value());
  {
    std::fstream file(found->segment->path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(found->place.ltx_offset() +
                                           found->place.head.ltx_bytes * 3 / 4));
    for (int i = 0; i < 64; ++i) file.put('\x55');
    REQUIRE(file.good());
  }
  f.connect();
  f.sync(kName);
  f.check_equal(kName);
  CHECK(f.notes.images == 1);
}

TEST_CASE("databases come, go and are left out by the filter") {
  StreamFixture f;
  SqliteDb a(f.primary.path(kName), "captured");
  REQUIRE(a.exec("create table t(v)") == SQLITE_OK);
  f.connect({kName, "c.db"});
  f.sync(kName);
  SqliteDb b(f.primary.path("b.db"), "captured");
  REQUIRE(b.exec("create table t(v)") == SQLITE_OK);
  SqliteDb c(f.primary.path("c.db"), "captured");
  REQUIRE(c.exec("create table t(v); insert into t values(1)") == SQLITE_OK);
  f.sync("c.db");
  f.check_equal("c.db");
  CHECK(f.replica.store->find("b.db") == nullptr);
}

TEST_CASE("a heartbeat ends the first sync, and notices a replica that is somewhere else") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  f.connect();
  REQUIRE(f.beat().has_value());
  CHECK_FALSE(f.receiver->is_synced());
  CHECK_FALSE(f.lag.milliseconds(f.replica.clock.now()).has_value());
  f.sync(kName);
  REQUIRE(f.beat().has_value());
  CHECK(f.receiver->is_synced());
  CHECK(f.lag.milliseconds(f.replica.clock.now()).value() >= 0);

  Position other = f.primary.position(kName);
  other.checksum = Checksum(other.checksum.value() ^ 1);
  Bytes message;
  append_frame(message, replication::Heartbeat{1, false, {{0, other}}});
  REQUIRE(f.carry(message).has_value());
  CHECK(f.notes.repairs == 1);
  f.sync(kName);
  REQUIRE(f.run_until([&] { return f.notes.images == 1; }).has_value());
  f.check_equal(kName);
}

TEST_CASE("more databases than a stream carries are refused before anything is sent") {
  StreamFixture f;
  replication::Hello hello;
  hello.versions = replication::kVersions;
  const std::vector<std::string> names(replication::kDatabasesMax + 1, "x");
  for (const std::string& name : names) hello.databases.push_back({name, {Txid(1), Checksum(1)}});
  Bytes message;
  append_frame(message, hello);
  ByteView rest(message);
  CHECK_FALSE(replication::take_frame(rest).has_value());
}

TEST_CASE("a hostile primary: what it sends out of order or damaged harms nothing") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.value("pragma journal_mode=wal") == "wal");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  write_rows(db, 1, 300, 200);
  std::mt19937 random(9);
  int refused = 0;
  for (int round = 0; round < 150; ++round) {
    f.connect();
    for (int i = 0; i < 6; ++i) {
      write_rows(db, static_cast<int>(random() % 300), static_cast<int>(random() % 300) + 1, 50);
      auto message = f.next_message();
      REQUIRE(message.has_value());
      if (message->empty()) continue;
      for (uint32_t n = random() % 4; n > 0; --n) {
        (*message)[random() % message->size()] = static_cast<std::byte>(random());
      }
      Bytes reply;
      if (!f.receiver->receive(*message, reply)) {
        ++refused;
        break;
      }
    }
    f.disconnect();
  }
  CHECK(refused > 5);  // how many depends on how the messages fall
  f.connect();
  f.sync(kName);
  f.check_equal(kName);
}

TEST_CASE("a hostile replica: what it sends is refused or harmless") {
  StreamFixture f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  f.connect();
  f.sync(kName);
  CHECK_FALSE(f.sender->handle_ack({{{5, Txid(1), Txid(1)}}}).has_value());
  CHECK_FALSE(f.sender->handle(replication::Repair{9, false}).has_value());
  CHECK_FALSE(f.sender->handle(replication::Checksums{0, PageNo(1), {}}).has_value());
  CHECK_FALSE(f.sender->handle(replication::Commit{Checksum(1)}).has_value());
  f.sync(kName);
  f.check_equal(kName);
}

}  // namespace
}  // namespace skerry::test
