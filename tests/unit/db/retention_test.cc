#include "daemon/db/retention.h"

#include <doctest/doctest.h>

#include "ltx/decoder.h"
#include "tests/support/capture_fixture.h"
#include "tests/support/db_model.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

constexpr int64_t kHour = 3'600'000;

// Every transaction that the history still has is found, in files that verify, without a gap.
void check_history(CaptureFixture& f, Txid oldest) {
  auto database = f.vfs.database("a.db");
  db::CommitLog& log = database->log();
  CHECK(log.oldest() == oldest);
  const Position position = database->info().position;
  Checksum due(0);
  for (Txid txid = oldest; txid <= position.txid;) {
    CAPTURE(txid.value());
    auto found = log.stored(txid);
    REQUIRE(found.has_value());
    REQUIRE(found->has_value());
    db::StoredLtx stored = std::move(**found);
    REQUIRE(stored.first() == txid);
    const auto header = stored.header();
    const auto trailer = stored.trailer();
    db::StoredLtxSource source(stored);
    const auto verified = ltx::verify(source);
    if (!verified) FAIL(verified.error().message());
    CHECK(verified->header == *header);
    CHECK(header->min_txid == stored.first());
    CHECK(header->max_txid == stored.last());
    if (txid != oldest) CHECK(header->pre_apply_checksum == due);
    due = trailer->post_apply_checksum;
    txid = next(stored.last());
  }
  CHECK(due == position.checksum);
  if (oldest.value() > 1) CHECK_FALSE(log.stored(Txid(oldest.value() - 1))->has_value());
  CHECK_FALSE(log.stored(next(position.txid))->has_value());
}

db::RetentionResult enforce(CaptureFixture& f, const db::RetentionSettings& settings,
                            int64_t later_ms) {
  auto database = f.vfs.database("a.db");
  const auto removable = database->sync_state();
  REQUIRE(removable.has_value());
  const auto result =
      db::enforce_retention(database->log(), settings, *removable, f.clock.wall_ms() + later_ms);
  if (!result) FAIL(result.error().message());
  if (result->problem) FAIL(result->problem->message());
  return *result;
}

void insert(SqliteDb& db, int n) {
  for (int i = 0; i < n; ++i) {
    REQUIRE(db.exec("insert into t(v) values(randomblob(700))") == SQLITE_OK);
  }
}

TEST_CASE("rolled segments become merged files, level by level, and survive a restart") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  db.value("pragma journal_mode=wal");
  REQUIRE(db.exec("pragma synchronous=off; create table t(id integer primary key, v)") ==
          SQLITE_OK);
  for (int segment = 0; segment < 10; ++segment) {
    insert(db, 20);
    f.vfs.database("a.db")->log().roll();
  }
  insert(db, 5);
  REQUIRE(f.vfs.database("a.db")->log().segments().size() == 11);
  CHECK(enforce(f, {}, 0).merged == 0);  // too young
  const auto merged = enforce(f, {}, kHour);
  CHECK(merged.merged == 10);
  CHECK(f.vfs.database("a.db")->log().segments().size() == 1);
  check_history(f, Txid(1));
  CHECK(enforce(f, {}, kHour).merged == 1);
  CHECK(f.vfs.database("a.db")->log().levels().files().size() == 3);
  check_history(f, Txid(1));
  db.exec("pragma locking_mode=normal");
  f.vfs.forget_databases();
  check_history(f, Txid(1));
}

TEST_CASE("a segment of many records, and of two page sizes, becomes several files") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  REQUIRE(db.exec("pragma synchronous=off; create table t(id integer primary key, v)") ==
          SQLITE_OK);
  insert(db, 700);
  REQUIRE(db.exec("pragma page_size=8192; vacuum") == SQLITE_OK);
  insert(db, 10);
  f.vfs.database("a.db")->log().roll();
  insert(db, 1);
  const auto merged = enforce(f, {}, kHour);
  CHECK(merged.merged == 3);
  check_history(f, Txid(1));
}

TEST_CASE("retention removes the oldest, by age and by size, and readers keep what they read") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  db.value("pragma journal_mode=wal");
  REQUIRE(db.exec("pragma synchronous=off; create table t(id integer primary key, v)") ==
          SQLITE_OK);
  for (int segment = 0; segment < 4; ++segment) {
    insert(db, 20);
    f.vfs.database("a.db")->log().roll();
  }
  insert(db, 5);
  db::CommitLog& log = f.vfs.database("a.db")->log();
  auto read = log.stored(Txid(1));
  REQUIRE(read->has_value());
  const auto segments = log.segments();
  const auto result = enforce(f, {2 * kHour, 0}, 3 * kHour);
  CHECK(result.removed == 4);
  CHECK(result.freed_bytes > 0);
  check_history(f, segments.back()->first());
  db::StoredLtxSource source(**read);
  CHECK(ltx::verify(source).has_value());

  for (int segment = 0; segment < 4; ++segment) {
    log.roll();
    insert(db, 20);
  }
  CHECK(enforce(f, {0, 1}, 0).removed == 4);
  check_history(f, log.segments().back()->first());
}

TEST_CASE("what recovery needs is not removed") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  db::CommitLog& log = f.vfs.database("a.db")->log();
  insert(db, 3);
  log.roll();
  insert(db, 3);
  const auto result = db::enforce_retention(log, {1, 0}, Txid(3), f.clock.wall_ms() + kHour);
  REQUIRE(result.has_value());
  CHECK(result->removed == 0);
}

TEST_CASE("what an interrupted merge left is cleared away, and the merge made again") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  insert(db, 30);
  f.vfs.database("a.db")->log().roll();
  insert(db, 1);
  const std::string segment = f.vfs.database("a.db")->log().segments().front()->path();
  const std::string copy = f.path("copy");
  std::filesystem::copy(segment, copy);
  CHECK(enforce(f, {}, kHour).merged == 1);
  // As if the process had ended before it removed the segment, and while it wrote another file.
  std::filesystem::copy(copy, segment);
  std::filesystem::copy(copy, f.dir_of("a.db") + "/ltx/1/unfinished.ltx.tmp");
  f.vfs.forget_databases();
  check_history(f, Txid(1));
  CHECK(f.vfs.database("a.db")->log().levels().files().empty());
  CHECK_FALSE(std::filesystem::exists(f.dir_of("a.db") + "/ltx/1/unfinished.ltx.tmp"));
  CHECK(enforce(f, {}, kHour).merged == 1);
  check_history(f, Txid(1));
}

TEST_CASE("a record that is damaged is not merged away") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  REQUIRE(db.exec("create table t(id integer primary key, v)") == SQLITE_OK);
  insert(db, 30);
  auto database = f.vfs.database("a.db");
  database->log().roll();
  insert(db, 1);
  const auto segment = database->log().segments().front();
  auto file = f.fs.open(os::Site("test"), segment->path(), os::OpenMode::kReadWrite);
  const auto place = segment->find(Txid(10));
  REQUIRE((*file)
              ->write_at(os::Site("test"), place->ltx_offset() + 200, as_bytes("rotten"))
              .has_value());
  const auto result =
      db::enforce_retention(database->log(), {}, Txid(100), f.clock.wall_ms() + kHour);
  REQUIRE(result.has_value());
  REQUIRE(result->problem.has_value());
  CHECK(result->problem->code() == Errc::kCorrupt);
  CHECK(std::filesystem::exists(segment->path()));
  CHECK(database->log().levels().files().empty());
}

}  // namespace
}  // namespace skerry::test
