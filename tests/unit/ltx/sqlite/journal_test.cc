// Journals that real SQLite wrote, caught in the middle of a transaction, and what real SQLite
// makes of them.
#include "ltx/sqlite/journal.h"

#include <doctest/doctest.h>

#include "ltx/sqlite/journal_reader.h"
#include "tests/support/files.h"
#include "tests/support/ltx_model.h"
#include "tests/support/sqlite.h"

namespace skerry::sqlite {
namespace {

using test::Random;
using test::ScratchDir;
using test::Sqlite;

// A database before a transaction, and both files in its middle.
struct Caught {
  Bytes before;
  Bytes database;
  Bytes journal;
};

struct Scene {
  int page_bytes = 4096;
  std::string synchronous = "FULL";
  int cache_pages = 2000;  // few: SQLite spills, and begins another segment after each sync
  std::string change = "UPDATE t SET v = randomblob(700) WHERE id % 3 = 0";
};

Caught catch_transaction(const Scene& scene) {
  const ScratchDir directory;
  Caught caught;
  Sqlite sqlite(directory / "db");
  sqlite.exec("PRAGMA page_size = " + std::to_string(scene.page_bytes));
  sqlite.exec("PRAGMA synchronous = " + scene.synchronous);
  sqlite.exec("PRAGMA cache_size = " + std::to_string(scene.cache_pages));
  sqlite.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)");
  sqlite.exec(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400) "
      "INSERT INTO t SELECT i, randomblob(700) FROM n");
  caught.before = test::read_file(directory / "db");
  sqlite.exec("BEGIN");
  sqlite.exec(scene.change);
  caught.database = test::read_file(directory / "db");
  caught.journal = test::read_file(directory / "db-journal");
  sqlite.exec("ROLLBACK");
  return caught;
}

void overwrite(Bytes& database, uint64_t offset, ByteView page) {
  if (database.size() < offset + page.size()) database.resize(offset + page.size());
  std::ranges::copy(page, database.begin() + static_cast<std::ptrdiff_t>(offset));
}

// What a rollback by our reader makes of the database.
Bytes rolled_back(const Caught& caught, JournalUse use) {
  ltx::MemoryAccess memory(caught.journal);
  auto journal = JournalReader::open(memory, use).value();
  Bytes database = caught.database;
  if (!journal) return database;
  const PageSize page_size = journal->header().page_size;
  Bytes page(page_size.bytes());
  while (const auto pgno = journal->next(page).value()) {
    overwrite(database, page_offset(*pgno, page_size), page);
  }
  const uint64_t bytes = uint64_t{journal->header().database_pages} * page_size.bytes();
  database.resize(bytes);
  return database;
}

// What SQLite makes of it.
Bytes recovered_by_sqlite(const Caught& caught) {
  const ScratchDir directory;
  test::write_file(directory / "db", caught.database);
  test::write_file(directory / "db-journal", caught.journal);
  try {
    Sqlite sqlite(directory / "db");
    (void)sqlite.query("SELECT count(*) FROM sqlite_schema");
  } catch (const std::runtime_error&) {
    // A database that is damaged for want of a rollback.
  }
  return test::read_file(directory / "db");
}

size_t segments(const Caught& caught) {
  size_t count = 0;
  for (size_t at = 0; at + kJournalHeaderBytes <= caught.journal.size(); at += 512) {
    const ByteView bytes = ByteView(caught.journal).subspan(at);
    if (decode_journal_header(bytes) || decode_unsynced_journal_header(bytes)) ++count;
  }
  return count;
}

TEST_CASE("a live transaction's journal holds the original pages") {
  for (const int page_bytes : {512, 1024, 4096, 65536}) {
    CAPTURE(page_bytes);
    const Caught caught = catch_transaction({.page_bytes = page_bytes});
    ltx::MemoryAccess memory(caught.journal);
    auto journal = JournalReader::open(memory, JournalUse::kLive).value();
    REQUIRE(journal);
    const JournalHeader& header = journal->header();
    CHECK(header.records == 0);
    CHECK(header.page_size.bytes() == static_cast<uint32_t>(page_bytes));
    CHECK(header.database_pages == caught.before.size() / static_cast<size_t>(page_bytes));
    Bytes page(header.page_size.bytes());
    size_t pages = 0;
    for (; const auto pgno = journal->next(page).value(); ++pages) {
      const uint64_t offset = page_offset(*pgno, header.page_size);
      CHECK(equal(page, ByteView(caught.before).subspan(offset, page.size())));
    }
    CHECK(pages ==
          (caught.journal.size() - header.sector_bytes) / journal_record_bytes(header.page_size));
    CHECK(pages > 4);
  }
}

TEST_CASE("what was never synced is not rolled back after a crash") {
  const Caught caught = catch_transaction({});
  CHECK(rolled_back(caught, JournalUse::kHot) == caught.database);
  CHECK(recovered_by_sqlite(caught) == caught.database);
}

TEST_CASE("all segments of a spilled transaction are rolled back as by SQLite") {
  for (const int page_bytes : {512, 4096}) {
    CAPTURE(page_bytes);
    const Caught caught = catch_transaction({.page_bytes = page_bytes, .cache_pages = 10});
    CHECK(segments(caught) > 2);
    CHECK(caught.database != caught.before);
    CHECK(rolled_back(caught, JournalUse::kHot) == recovered_by_sqlite(caught));
    CHECK(rolled_back(caught, JournalUse::kLive) == caught.before);
  }
}

TEST_CASE("a database that grew or shrank gets its size back") {
  for (const std::string change :
       {"INSERT INTO t SELECT id + 1000, randomblob(900) FROM t", "DELETE FROM t WHERE id > 20"}) {
    CAPTURE(change);
    const Caught caught = catch_transaction({.cache_pages = 10, .change = change});
    CHECK(rolled_back(caught, JournalUse::kLive) == caught.before);
    CHECK(rolled_back(caught, JournalUse::kHot) == recovered_by_sqlite(caught));
  }
}

TEST_CASE("without syncs the journal counts to its end") {
  const Caught caught = catch_transaction({.synchronous = "OFF", .cache_pages = 10});
  ltx::MemoryAccess memory(caught.journal);
  const auto journal = JournalReader::open(memory, JournalUse::kHot).value();
  REQUIRE(journal);
  CHECK(journal->header().records == kJournalRecordsToEnd);
  CHECK(rolled_back(caught, JournalUse::kHot) == caught.before);
  CHECK(recovered_by_sqlite(caught) == caught.before);
}

TEST_CASE("damaged and cut-off journals are read as SQLite reads them") {
  Random random(12);
  for (const Scene& scene : {Scene{.page_bytes = 512, .cache_pages = 10},
                             Scene{.page_bytes = 512, .synchronous = "OFF"}}) {
    const Caught caught = catch_transaction(scene);
    for (int i = 0; i < 150; ++i) {
      CAPTURE(i);
      Caught damaged = caught;
      if (i % 3 == 0) damaged.journal.resize(test::below(random, caught.journal.size()));
      if (i % 3 == 1) {
        damaged.journal[test::below(random, caught.journal.size())] ^= std::byte{1};
      }
      if (i % 3 == 2) {
        const size_t at = test::below(random, kJournalHeaderBytes);
        if (at == 16 || at == 17) continue;  // a database of terabytes
        damaged.journal[at] ^= static_cast<std::byte>(1u << test::below(random, 8));
      }
      CHECK(rolled_back(damaged, JournalUse::kHot) == recovered_by_sqlite(damaged));
    }
  }
}

TEST_CASE("a finished journal changes nothing") {
  for (const std::string mode : {"PERSIST", "TRUNCATE"}) {
    CAPTURE(mode);
    const ScratchDir directory;
    Sqlite sqlite(directory / "db");
    sqlite.exec("PRAGMA journal_mode = " + mode);
    sqlite.exec("CREATE TABLE t (v)");
    sqlite.exec("INSERT INTO t VALUES (randomblob(9000))");
    const Bytes journal = test::read_file(directory / "db-journal");
    CHECK(journal.empty() == (mode == "TRUNCATE"));
    ltx::MemoryAccess memory(journal);
    CHECK_FALSE(JournalReader::open(memory, JournalUse::kHot).value());
    CHECK_FALSE(JournalReader::open(memory, JournalUse::kLive).value());
    CHECK_FALSE(super_journal_name(memory).value());
  }
}

// SQLite's file system, but when a super-journal is deleted, which is the moment in which a
// transaction over several databases commits, `caught_journal` is what was in `watched`.
std::string watched;
Bytes caught_journal;
int (*real_delete)(sqlite3_vfs*, const char*, int) = nullptr;

int catching_delete(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  if (std::string(name).find("-mj") != std::string::npos) {
    caught_journal = test::read_file(watched);
  }
  return real_delete(vfs, name, sync_directory);
}

TEST_CASE("the super-journal's name is found at the end") {
  sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
  vfs.zName = "catching";
  real_delete = vfs.xDelete;
  vfs.xDelete = catching_delete;
  REQUIRE(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
  for (const std::string name : {"one", "d\xc3\xa4nemark"}) {
    CAPTURE(name);
    const ScratchDir directory;
    watched = (directory / (name + "-journal")).string();
    Sqlite sqlite(directory / name);
    sqlite.exec("CREATE TABLE t (v)");
    sqlite.exec("ATTACH '" + (directory / "two").string() + "' AS two");
    sqlite.exec("CREATE TABLE two.t (v)");
    sqlite.exec("BEGIN; INSERT INTO t VALUES (1); INSERT INTO two.t VALUES (1); COMMIT");
    ltx::MemoryAccess memory(caught_journal);
    const auto found = super_journal_name(memory).value();
    REQUIRE(found);
    CHECK(found->starts_with((directory / (name + "-mj")).string()));
    auto journal = JournalReader::open(memory, JournalUse::kHot).value();
    REQUIRE(journal);
    Bytes page(4096);
    size_t pages = 0;
    while (journal->next(page).value()) ++pages;
    CHECK(pages == 2);
    caught_journal[caught_journal.size() - 20] ^= std::byte{1};
    CHECK_FALSE(super_journal_name(memory).value());
  }
  sqlite3_vfs_unregister(&vfs);
}

}  // namespace
}  // namespace skerry::sqlite
