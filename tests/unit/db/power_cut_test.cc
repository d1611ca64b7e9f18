// The machine ends between two statements, and of what was not synced any part is left.

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "daemon/db/retention.h"
#include "ltx/decoder.h"
#include "tests/support/capture_fixture.h"
#include "tests/support/db_model.h"
#include "tests/support/power_cut_fs.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

// Every state that was committed, as its checksum, by its transaction.
class Committed final : public db::CommitListener {
 public:
  void committed(db::Database&, const db::Transaction& transaction) override {
    last = transaction.position();
    states[last.txid.value()] = last.checksum;
  }
  [[nodiscard]] bool contains(Position position) const {
    const auto at = states.find(position.txid.value());
    return at != states.end() && at->second == position.checksum;
  }
  std::map<uint64_t, Checksum> states;
  Position last;
};

struct Machine {
  TempDir dir;
  PowerCutFs fs;
  os::SystemClock clock;
  TestGate gate;
  Committed committed;
  NoKernelCache cache;
  uint8_t boot = 1;
  std::unique_ptr<CapturedVfs> vfs;

  Machine() { start(); }
  void start() {
    db::Environment environment{fs, clock, gate, committed, cache, NodeId(42)};
    environment.boot_id.fill(std::byte{boot});
    vfs = std::make_unique<CapturedVfs>(environment, "machine", dir.path());
  }
  void cut(std::mt19937_64& random, double kept) {
    vfs.reset();
    fs.cut(random, kept);
    ++boot;
    start();
  }
  [[nodiscard]] std::string folder() const { return dir.path() + "/dbs/a.db"; }
};

uint64_t first_seed() {
  const char* fixed = std::getenv("SKERRY_SEED");
  return fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : std::random_device()();
}

// Statements that commit, in one connection.
void work(SqliteDb& db, std::mt19937_64& random, int statements) {
  const auto pick = [&](uint64_t n) { return random() % n; };
  for (int i = 0; i < statements; ++i) {
    switch (pick(10)) {
      case 0:
        db.exec("delete from t where id%" + std::to_string(2 + pick(5)) + "=0");
        break;
      case 1:
        db.exec("pragma wal_checkpoint(" + std::string(pick(2) == 0 ? "passive" : "truncate") +
                ")");
        break;
      case 2:
        db.exec("begin; insert into t(v) values(randomblob(20000)); rollback");
        break;
      case 3:
        db.exec("update t set v=randomblob(300) where id%3=0");
        break;
      case 4:
        db.exec("vacuum");
        break;
      default:
        db.exec("insert into t(v) values(randomblob(" + std::to_string(pick(3000)) + "))");
        break;
    }
  }
}

void check_history(Machine& m) {
  auto database = m.vfs->database("a.db");
  db::CommitLog& log = database->log();
  const Position position = database->info().position;
  Txid txid = log.oldest();
  if (txid == Txid(0)) return;
  Checksum due(0);
  while (txid <= position.txid) {
    const auto found = log.stored(txid);
    REQUIRE((found && *found));
    db::StoredLtxSource source(**found);
    const auto verified = ltx::verify(source);
    if (!verified) FAIL(verified.error().message());
    if (due != Checksum(0)) CHECK(verified->header.pre_apply_checksum == due);
    due = verified->trailer.post_apply_checksum;
    txid = next((*found)->last());
  }
  CHECK(due == position.checksum);
}

struct Kind {
  const char* mode;
  const char* synchronous;
  bool durable;     // what was committed is there
  bool consistent;  // … or at least some state that was committed
};
constexpr std::array kKinds{
    Kind{"wal", "full", true, true},      Kind{"wal", "normal", false, true},
    Kind{"delete", "full", true, true},   Kind{"truncate", "full", true, true},
    Kind{"persist", "extra", true, true}, Kind{"wal", "off", false, false},
    Kind{"delete", "off", false, false},
};

TEST_CASE("after a power cut, files, log and position agree on a state that was committed") {
  const uint64_t first = first_seed();
  const char* runs = std::getenv("SKERRY_RUNS");
  const uint64_t count = runs != nullptr ? std::strtoull(runs, nullptr, 10) : 6;
  for (const Kind& kind : kKinds) {
    for (uint64_t seed = first; seed < first + count; ++seed) {
      CAPTURE(kind.mode);
      CAPTURE(kind.synchronous);
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      Machine m;
      for (int round = 0; round < 4; ++round) {
        CAPTURE(round);
        Txid synced;
        {
          SqliteDb db(m.dir.path() + "/a.db", "machine");
          db.exec("pragma page_size=1024");
          db.value(std::string("pragma journal_mode=") + kind.mode);
          db.exec(std::string("pragma cache_size=10; pragma wal_autocheckpoint=20; pragma "
                              "synchronous=") +
                  kind.synchronous);
          db.exec("create table if not exists t(id integer primary key, v)");
          work(db, random, 20);
          auto database = m.vfs->database("a.db");
          if (random() % 2 == 0) {
            const auto upto = database->sync_state();
            REQUIRE(upto.has_value());
            synced = *upto;
            database->log().roll();
            work(db, random, 20);
          }
          // Whoever leaves an orderly WAL database checkpoints it; a power cut does not.
          sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        }
        const Position before = m.committed.last;
        REQUIRE(m.vfs->database("a.db")->info().position == before);
        m.cut(random, std::array{0.0, 0.2, 0.5, 0.9, 1.0}[random() % 5]);
        auto database = m.vfs->database("a.db");
        if (kind.consistent) CHECK(database->recovery().power_cut);
        const Position after = database->info().position;
        CAPTURE(before.txid.value());
        CAPTURE(after.txid.value());
        std::string notes;
        for (const auto& note : database->recovery().notes) notes += note + "; ";
        CAPTURE(notes);
        check_history(m);
        const Checksum held = read_logical(m.folder()).checksum();
        if (kind.consistent) {
          CHECK(held == after.checksum);
          if (kind.durable) CHECK(after == before);
          CHECK(m.committed.contains(after));
          CHECK(after.txid >= synced);
          SqliteDb db(m.dir.path() + "/a.db", "machine");
          CHECK(db.value("pragma integrity_check") == "ok");
        } else if (held != after.checksum || !m.committed.contains(after)) {
          break;  // an application that never syncs may lose its database, as without us
        }
        m.committed.last = after;
      }
    }
  }
}

void write_at(const std::string& path, uint64_t offset, std::string_view text) {
  os::PosixFileSystem fs;
  auto file = fs.open(os::Site("test"), path, os::OpenMode::kReadWrite);
  REQUIRE((*file)->write_at(os::Site("test"), offset, as_bytes(text)).has_value());
}

TEST_CASE("a damaged page-checksum table is built anew from the files and the log") {
  for (const char* mode : {"delete", "wal"}) {
    for (const bool trimmed : {false, true}) {
      CAPTURE(mode);
      CAPTURE(trimmed);
      Machine m;
      Position before;
      {
        SqliteDb db(m.dir.path() + "/a.db", "machine");
        db.value(std::string("pragma journal_mode=") + mode);
        std::mt19937_64 random(7);
        db.exec("create table t(id integer primary key, v)");
        work(db, random, 30);
        auto database = m.vfs->database("a.db");
        if (trimmed) {
          database->log().roll();
          work(db, random, 30);
          const auto upto = database->sync_state();
          REQUIRE(db::enforce_retention(database->log(), {0, 1}, *upto, 0)->removed == 1);
        }
        before = database->info().position;
        sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
      }
      m.vfs->forget_databases();
      write_at(m.folder() + "/checksums", 8, "rotten");
      write_at(m.folder() + "/checksums", 512 + 8, "rotten");
      auto database = m.vfs->database("a.db");
      CHECK(database->recovery().rebuilt_table);
      CHECK(database->info().position == before);
      check_history(m);
      SqliteDb db(m.dir.path() + "/a.db", "machine");
      CHECK(db.value("pragma integrity_check") == "ok");
      CHECK(db.exec("insert into t(v) values(1)") == SQLITE_OK);
      CHECK(read_logical(m.folder()).checksum() == database->info().position.checksum);
    }
  }
}

TEST_CASE("what the log has and the database file lost is written again; so is a dropped file") {
  Machine m;
  {
    SqliteDb db(m.dir.path() + "/a.db", "machine");
    db.exec("create table t(id integer primary key, v)");
    std::mt19937_64 random(3);
    work(db, random, 20);
  }
  const Position before = m.vfs->database("a.db")->info().position;
  m.vfs->forget_databases();
  std::filesystem::resize_file(m.folder() + "/database", 0);
  ++m.boot;
  m.vfs.reset();
  m.start();
  auto database = m.vfs->database("a.db");
  CHECK(database->recovery().reapplied_records == before.txid.value());
  CHECK(database->info().position == before);
  CHECK(read_logical(m.folder()).checksum() == before.checksum);
}

TEST_CASE("after an orderly end the table is taken at its word") {
  Machine m;
  Position before;
  {
    SqliteDb db(m.dir.path() + "/a.db", "machine");
    db.value("pragma journal_mode=wal");
    db.exec("create table t(id integer primary key, v)");
    std::mt19937_64 random(5);
    work(db, random, 20);
    before = m.vfs->database("a.db")->info().position;
  }
  REQUIRE(m.vfs->database("a.db")->close().has_value());
  std::mt19937_64 random(1);
  m.cut(random, 0);  // everything was synced
  auto database = m.vfs->database("a.db");
  CHECK(database->recovery().clean);
  CHECK_FALSE(database->recovery().power_cut);
  CHECK(database->info().position == before);
  CHECK(read_logical(m.folder()).checksum() == before.checksum);
  // … but not the next time, whatever this process does.
  m.cut(random, 0);
  CHECK(m.vfs->database("a.db")->recovery().power_cut);
  CHECK(m.vfs->database("a.db")->info().position == before);
}

}  // namespace
}  // namespace skerry::test
