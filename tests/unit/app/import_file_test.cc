#include "daemon/app/client/import_file.h"

#include <doctest/doctest.h>

#include "tests/support/sqlite_db.h"
#include "tests/support/temp_folder.h"

namespace skerry::app {
namespace {

TEST_CASE("a settled file is read to its end") {
  const test::TempFolder folder;
  const std::string path = folder.write("x", std::string(10'000, 'a'));
  auto file = ImportFile::open(path);
  REQUIRE(file);
  CHECK(file->bytes() == 10'000);
  Bytes piece(6'000);
  CHECK(*file->read(piece) == 6'000);
  CHECK(*file->read(piece) == 4'000);
  CHECK(*file->read(piece) == 0);
  CHECK(file->done() == 10'000);
  CHECK(ImportFile::open(folder.path("none")).error().code() == Errc::kNotFound);
  CHECK(ImportFile::open(folder.path(".")).error().message().contains("not a regular file"));
}

TEST_CASE("a file whose transactions stand elsewhere is refused with what to do") {
  const test::TempFolder folder;
  const std::string path = folder.path("x.db");
  test::SqliteDb db(path);
  REQUIRE(db.exec("PRAGMA journal_mode=WAL; CREATE TABLE t (x)") == SQLITE_OK);
  const auto in_wal = ImportFile::open(path);
  REQUIRE_FALSE(in_wal);
  CHECK(in_wal.error().message().contains("PRAGMA wal_checkpoint(TRUNCATE)"));
  REQUIRE(db.exec("PRAGMA wal_checkpoint(TRUNCATE)") == SQLITE_OK);
  CHECK(ImportFile::open(path));
}

TEST_CASE("while it is open nobody writes it, and while somebody writes it is not opened") {
  const test::TempFolder folder;
  const std::string path = folder.path("x.db");
  test::SqliteDb db(path);
  REQUIRE(db.exec("CREATE TABLE t (x)") == SQLITE_OK);
  {
    const auto file = ImportFile::open(path);
    REQUIRE(file);
    CHECK((db.exec("INSERT INTO t VALUES (1)") & 0xff) == SQLITE_BUSY);
  }
  REQUIRE(db.exec("BEGIN EXCLUSIVE; INSERT INTO t VALUES (2)") == SQLITE_OK);
  CHECK(ImportFile::open(path).error().code() == Errc::kBusy);
  REQUIRE(db.exec("COMMIT") == SQLITE_OK);
  // What a crash leaves.
  (void)folder.write("x.db-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and more");
  CHECK(ImportFile::open(path).error().message().contains("was not finished"));
}

}  // namespace
}  // namespace skerry::app
