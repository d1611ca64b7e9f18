#include "daemon/db/commit_images.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/support/capture_fixture.h"
#include "tests/support/db_model.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

constexpr std::array kModes{"delete", "truncate", "persist", "wal", "memory"};

ByteView page_of(const DbImage& image, PageNo pgno) {
  if (pgno.value() > image.pages.size()) return {};
  return image.pages[pgno.value() - 1];
}

// The images are exactly what differs between the two states. Returns how many pages lack a before.
size_t check_images(const db::CommitImages& images, const DbImage& before, const DbImage& after) {
  size_t unknown = 0;
  size_t listed = 0;
  for (const auto& page : images.pages) {
    CHECK(equal(images.at(page.after), page_of(after, page.pgno)));
    if (page.before) {
      CHECK(equal(images.at(*page.before), page_of(before, page.pgno)));
    } else if (!page_of(before, page.pgno).empty()) {
      ++unknown;
    }
    ++listed;
  }
  for (uint32_t p = 1; p <= after.pages.size(); ++p) {
    if (!equal(page_of(before, PageNo(p)), page_of(after, PageNo(p)))) --listed;
  }
  CHECK(listed == 0);
  return unknown;
}

TEST_CASE("each journal mode: a commit's images are its pages before and after it") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    CaptureFixture f;
    std::mt19937 random(1);
    SqliteDb db(f.path("a.db"), "captured");
    REQUIRE(db.value(std::string("pragma journal_mode=") + mode) == mode);
    REQUIRE(db.exec("create table t(id integer primary key, v); create index i on t(v)") ==
            SQLITE_OK);
    f.listener.images_pages_max = 1000;
    DbImage before = read_logical(f.dir_of("a.db"));
    for (int i = 0; i < 120; ++i) {
      const int count = f.listener.count;
      const std::string id = std::to_string(1 + random() % 60);
      REQUIRE(db.exec("begin") == SQLITE_OK);
      REQUIRE(db.exec("insert or replace into t values(" + id + ", randomblob(300))") == SQLITE_OK);
      if (i % 5 == 0) REQUIRE(db.exec("delete from t where id % 7 = 3") == SQLITE_OK);
      if (i % 8 == 0) REQUIRE(db.exec("rollback; begin; delete from t where id < 9") == SQLITE_OK);
      REQUIRE(db.exec("commit") == SQLITE_OK);
      if (i % 30 == 29 && mode == std::string("wal")) db.exec("pragma wal_checkpoint(truncate)");
      const DbImage after = read_logical(f.dir_of("a.db"));
      if (f.listener.count == count) continue;  // it deleted nothing
      REQUIRE(f.listener.images != nullptr);
      CHECK(check_images(*f.listener.images, before, after) == 0);
      before = after;
    }
  }
}

TEST_CASE("nothing is read for images that nobody wants, or of a transaction that is too large") {
  for (const char* mode : kModes) {
    CAPTURE(mode);
    CaptureFixture f;
    SqliteDb db(f.path("a.db"), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    REQUIRE(db.exec("create table t(v); insert into t values(1)") == SQLITE_OK);
    CHECK(f.listener.images == nullptr);
    f.listener.images_pages_max = 5;
    REQUIRE(db.exec("insert into t values(randomblob(100000))") == SQLITE_OK);
    CHECK(f.listener.images == nullptr);
    REQUIRE(db.exec("insert into t values(1)") == SQLITE_OK);
    CHECK(f.listener.images != nullptr);
  }
}

TEST_CASE("images that are wanted in the middle of a transaction lack what was there before") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  db.value("pragma journal_mode=delete");
  db.exec("pragma cache_size=2");
  REQUIRE(db.exec("create table t(id integer primary key, v);"
                  "with recursive n(i) as (select 1 union all select i+1 from n where i < 40)"
                  "insert into t select i, randomblob(3000) from n") == SQLITE_OK);
  const DbImage before = read_logical(f.dir_of("a.db"));
  REQUIRE(db.exec("begin; update t set v = randomblob(3000) where id <= 20") == SQLITE_OK);
  f.listener.images_pages_max = 1000;
  REQUIRE(db.exec("update t set v = randomblob(3000) where id > 20; commit") == SQLITE_OK);
  REQUIRE(f.listener.images != nullptr);
  const size_t unknown = check_images(*f.listener.images, before, read_logical(f.dir_of("a.db")));
  CHECK(unknown > 0);
  CHECK(unknown < f.listener.images->pages.size());
}

}  // namespace
}  // namespace skerry::test
