// Files copied in, in any order and over what is there.

#include <doctest/doctest.h>

#include "tests/support/capture_fixture.h"
#include "tests/support/db_model.h"
#include "tests/support/files.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

using db::FileKind;

void check_ok(Status status) {
  if (!status) FAIL(status.error().message());
}

// As "cp" does it.
void copy_in(db::Database& database, FileKind kind, const Bytes& content) {
  const auto file = database.create_file(kind);
  REQUIRE(file.has_value());
  database.truncate(kind, *file, 0, check_ok);
  constexpr size_t kChunk = 10'000;
  for (size_t at = 0; at < content.size(); at += kChunk) {
    const size_t n = std::min(kChunk, content.size() - at);
    database.write(kind, *file, at, ByteView(content).subspan(at, n), check_ok);
  }
}

void settle(db::Database& database) {
  if (database.has_foreign_changes()) database.commit_foreign(check_ok);
  database.commit_unjournaled([] { return true; }, check_ok);
}

struct Replayed {
  CaptureFixture fixture;
  LogReplay replay;
  std::shared_ptr<db::Database> database = fixture.vfs.database("a.db");

  void check() {
    const Status advanced = replay.advance(database->log());
    if (!advanced) FAIL(advanced.error().message());
    REQUIRE(database->info().position == replay.position());
    const DbImage logical = read_logical(fixture.dir_of("a.db"));
    REQUIRE(replay.image().pages.size() == logical.pages.size());
    CHECK(replay.image().pages == logical.pages);
  }
};

// A database with frames in its WAL, as another process has it open.
struct Source {
  explicit Source(int page_size = 4096, int rows = 50) : db(dir.path() + "/s.db") {
    db.exec("pragma page_size=" + std::to_string(page_size));
    db.value("pragma journal_mode=wal");
    db.exec("create table t(id integer primary key, v); pragma wal_checkpoint");
    for (int i = 0; i < rows; ++i) db.exec("insert into t(v) values(randomblob(3000))");
  }
  [[nodiscard]] Bytes file() const { return read_file(dir.path() + "/s.db"); }
  [[nodiscard]] Bytes wal() const { return read_file(dir.path() + "/s.db-wal"); }

  TempDir dir;
  SqliteDb db;
};

TEST_CASE("a database and its WAL, copied in either order") {
  for (const bool wal_first : {false, true}) {
    CAPTURE(wal_first);
    const Source source;
    Replayed to;
    if (wal_first) copy_in(*to.database, FileKind::kWal, source.wal());
    copy_in(*to.database, FileKind::kDatabase, source.file());
    if (!wal_first) copy_in(*to.database, FileKind::kWal, source.wal());
    settle(*to.database);
    to.check();
    CHECK(to.database->info().wal_frames > 0);
    SqliteDb db(to.fixture.path("a.db"), "captured");
    CHECK(db.value("select count(*) from t") == "50");
    CHECK(db.exec("insert into t(v) values(1)") == SQLITE_OK);
    to.check();
  }
}

TEST_CASE("a WAL database copied over one that is in use, and another page size over that") {
  Replayed to;
  SqliteDb holder(to.fixture.path("a.db"), "captured");
  holder.value("pragma journal_mode=wal");
  holder.exec("create table t(id integer primary key, v)");
  for (int i = 0; i < 20; ++i) holder.exec("insert into t(v) values(randomblob(3000))");
  holder.value("pragma wal_checkpoint(restart)");
  holder.exec("insert into t(v) values(1)");
  to.check();
  for (const int page_size : {4096, 512}) {
    CAPTURE(page_size);
    const Source source(page_size, 30);
    copy_in(*to.database, FileKind::kDatabase, source.file());
    settle(*to.database);
    if (page_size == 4096) to.check();  // else the frames and the file are no one database
    copy_in(*to.database, FileKind::kWal, source.wal());
    settle(*to.database);
    to.check();
  }
}

TEST_CASE("pages overwritten beside frames are captured, checkpoints are not taken for that") {
  Replayed to;
  SqliteDb db(to.fixture.path("a.db"), "captured");
  db.exec("create table t(id integer primary key, v)");
  for (int i = 0; i < 40; ++i) db.exec("insert into t(v) values(randomblob(3000))");
  db.value("pragma journal_mode=wal");
  REQUIRE(db.exec("update t set v=randomblob(3000) where id=7") == SQLITE_OK);
  to.check();
  const Position before = to.database->info().position;
  db.value("pragma wal_checkpoint(passive)");
  CHECK_FALSE(to.database->has_unjournaled_changes());
  const auto file = to.database->open_file(FileKind::kDatabase);
  const Bytes junk(4096, std::byte{0x55});
  to.database->write(FileKind::kDatabase, *file, uint64_t{20} * 4096, junk, check_ok);
  CHECK(to.database->has_foreign_changes());
  settle(*to.database);
  CHECK_FALSE(to.database->has_unjournaled_changes());
  to.check();
  CHECK(to.database->info().position.txid == next(before.txid));
}

TEST_CASE("foreign changes are captured when the WAL begins anew") {
  Replayed to;
  SqliteDb db(to.fixture.path("a.db"), "captured");
  db.exec("create table t(id integer primary key, v)");
  for (int i = 0; i < 40; ++i) db.exec("insert into t(v) values(randomblob(3000))");
  db.value("pragma journal_mode=wal");
  db.exec("update t set v=1 where id=7");
  const auto file = to.database->open_file(FileKind::kDatabase);
  Bytes page(4096);
  REQUIRE((*file)->read_at(os::Site("test"), uint64_t{20} * 4096, page).has_value());
  page[4000] ^= std::byte{1};
  to.database->write(FileKind::kDatabase, *file, uint64_t{20} * 4096, page, check_ok);
  db.value("pragma wal_checkpoint(restart)");
  REQUIRE(db.exec("update t set v=2 where id=8") == SQLITE_OK);
  to.check();
  CHECK_FALSE(to.database->has_unjournaled_changes());
}

TEST_CASE("the same after a restart, which knows nothing of the frames before") {
  CaptureFixture f;
  LogReplay replay;
  SqliteDb db(f.path("a.db"), "captured");
  db.exec("create table t(id integer primary key, v)");
  for (int i = 0; i < 40; ++i) db.exec("insert into t(v) values(randomblob(3000))");
  db.value("pragma journal_mode=wal");
  db.exec("update t set v=randomblob(3000) where id=7");
  f.vfs.forget_databases();
  auto database = f.vfs.database("a.db");
  const auto file = database->open_file(FileKind::kDatabase);
  database->write(FileKind::kDatabase, *file, uint64_t{20} * 4096, Bytes(4096), check_ok);
  CHECK(database->has_foreign_changes());
  settle(*database);
  REQUIRE(replay.advance(database->log()).has_value());
  CHECK(replay.image().pages == read_logical(f.dir_of("a.db")).pages);
}

}  // namespace
}  // namespace skerry::test
