// The wal-index beside real SQLite: what it wrote is what we would have written, and it reads what
// we wrote.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/files.h"
#include "tests/support/sqlite.h"
#include "tests/support/wal.h"

namespace skerry::sqlite {
namespace {

using test::Child;
using test::HeapWalIndex;
using test::Sqlite;
using test::ScratchDir;
using test::WalContent;
using test::WalFrame;
using test::WalWriter;

void prepare(Sqlite& sqlite, int page_bytes) {
  sqlite.exec("PRAGMA page_size = " + std::to_string(page_bytes));
  sqlite.exec("PRAGMA synchronous = OFF");
  (void)sqlite.query("PRAGMA journal_mode = WAL");
  (void)sqlite.query("PRAGMA wal_autocheckpoint = 0");
  sqlite.exec("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v BLOB)");
}

void insert(Sqlite& sqlite, int rows, int blob_bytes) {
  sqlite.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT " +
              std::to_string(rows) + ") INSERT INTO t (v) SELECT randomblob(" +
              std::to_string(blob_bytes) + ") FROM n");
}

std::string fingerprint(Sqlite& sqlite) {
  return sqlite.query("SELECT count(*) || ' ' || group_concat(hex(substr(v, 1, 6))) FROM t");
}

bool same_tables(HeapWalIndex& a, HeapWalIndex& b, uint32_t max_frame) {
  if (max_frame == 0) return true;
  for (size_t i = 0; i <= wal_index_block(max_frame); ++i) {
    const size_t head = i == 0 ? kWalIndexHeadBytes : 0;
    if (!equal(ByteView(a.block(i) + head, kWalIndexBlockBytes - head),
               ByteView(b.block(i) + head, kWalIndexBlockBytes - head))) {
      return false;
    }
  }
  return true;
}

struct Shape {
  int page_bytes;
  int transactions;
  int rows;
  int blob_bytes;
};

TEST_CASE("a rebuilt wal-index is the one that SQLite keeps") {
  for (const Shape& shape :
       {Shape{512, 40, 200, 900}, Shape{4096, 300, 3, 3000}, Shape{65536, 20, 10, 30000}}) {
    CAPTURE(shape.page_bytes);
    const ScratchDir directory;
    Sqlite sqlite(directory / "db");
    prepare(sqlite, shape.page_bytes);
    for (int i = 0; i < shape.transactions; ++i) insert(sqlite, shape.rows, shape.blob_bytes);
    const WalContent wal = test::read_wal(test::read_file(directory / "db-wal"));
    HeapWalIndex live(test::read_file(directory / "db-shm"));
    if (shape.page_bytes == 512) CHECK(live.blocks() > 3);
    HeapWalIndex ours;
    WalIndex index(ours);
    WalIndexHeader header = wal.index_header();
    header.changes = WalIndex(live).header().value().changes;
    REQUIRE(index.rebuild(header, wal.pages()));
    CHECK(WalIndex(live).header() == index.header());
    CHECK(equal(ByteView(live.block(0), 2 * kWalIndexHeaderBytes),
                ByteView(ours.block(0), 2 * kWalIndexHeaderBytes)));
    CHECK(same_tables(live, ours, header.max_frame));
  }
}

TEST_CASE("a rebuilt wal-index is the one that SQLite recovers") {
  const ScratchDir directory;
  {
    Sqlite sqlite(directory / "db");
    prepare(sqlite, 1024);
    for (int i = 0; i < 30; ++i) insert(sqlite, 100, 2000);
    test::write_file(directory / "copy", test::read_file(directory / "db"));
    test::write_file(directory / "copy-wal", test::read_file(directory / "db-wal"));
  }
  Sqlite sqlite(directory / "copy");
  CHECK(sqlite.number("SELECT count(*) FROM t") == 3000);
  const WalContent wal = test::read_wal(test::read_file(directory / "copy-wal"));
  HeapWalIndex recovered(test::read_file(directory / "copy-shm"));
  HeapWalIndex ours;
  WalIndex index(ours);
  const WalIndexHeader header = wal.index_header();
  CHECK(header.max_frame > 5000);
  REQUIRE(index.rebuild(header, wal.pages()));
  for (size_t mark = 1; mark < kReadMarks; ++mark) {
    REQUIRE(index.reset_read_mark(mark, header.max_frame));
  }
  CHECK(equal(ByteView(recovered.block(0), kWalIndexHeadBytes),
              ByteView(ours.block(0), kWalIndexHeadBytes)));
  CHECK(same_tables(recovered, ours, header.max_frame));
}

TEST_CASE("after checkpoint, restart and rollback the wal-index reads as SQLite means it") {
  const ScratchDir directory;
  Sqlite sqlite(directory / "db");
  prepare(sqlite, 512);
  for (int i = 0; i < 20; ++i) insert(sqlite, 100, 2000);
  (void)sqlite.query("PRAGMA wal_checkpoint(RESTART)");
  insert(sqlite, 30, 2000);
  sqlite.exec("PRAGMA cache_size = 5");
  sqlite.exec("BEGIN");
  insert(sqlite, 50, 2000);
  sqlite.exec("ROLLBACK");
  // A reader keeps the checkpoint from going all the way.
  Sqlite reader(directory / "db");
  reader.exec("BEGIN");
  (void)reader.query("SELECT count(*) FROM t");
  insert(sqlite, 1, 10);
  (void)sqlite.query("PRAGMA wal_checkpoint(PASSIVE)");
  const WalContent wal = test::read_wal(test::read_file(directory / "db-wal"));
  HeapWalIndex live(test::read_file(directory / "db-shm"));
  WalIndex index(live);
  const auto header = index.header();
  REQUIRE(header);
  CHECK(header->max_frame == wal.frames.size());
  CHECK(header->salt == wal.header.salt);
  CHECK(header->frame_checksum == wal.checksum);
  CHECK(index.backfilled() > 0);
  CHECK(index.backfill_attempted() >= index.backfilled());
  CHECK(index.backfilled() < header->max_frame);
  const std::vector<PageNo> pages = wal.pages();
  for (uint32_t frame = 1; frame <= header->max_frame; ++frame) {
    CHECK(index.page_of(frame).value() == pages[frame - 1]);
  }
  for (uint32_t pgno = 1; pgno <= header->database_pages; ++pgno) {
    const auto found = std::ranges::find(pages.rbegin(), pages.rend(), PageNo(pgno));
    CHECK(index.find(PageNo(pgno), header->max_frame).value() ==
          static_cast<uint32_t>(pages.rend() - found));
  }
}

// Two databases begin alike. One changes by SQLite; its frames are appended to the other by us.
struct Twins {
  explicit Twins(int page_bytes) {
    {
      Sqlite sqlite(directory / "source");
      prepare(sqlite, page_bytes);
      insert(sqlite, 50, 500);
    }
    test::write_file(directory / "copy", test::read_file(directory / "source"));
  }

  // The frames of what `change` does to the source.
  std::vector<WalFrame> frames_of(const std::string& change, int repeat) {
    Sqlite sqlite(directory / "source");
    (void)sqlite.query("PRAGMA wal_autocheckpoint = 0");
    for (int i = 0; i < repeat; ++i) sqlite.exec(change);
    return test::read_wal(test::read_file(directory / "source-wal")).frames;
  }

  void append(const std::vector<WalFrame>& frames) {
    WalWriter writer(directory / "copy");
    for (const WalFrame& frame : frames) {
      writer.append(frame);
      if (frame.commit != 0) writer.publish();
    }
  }

  std::string source_fingerprint() {
    Sqlite sqlite(directory / "source");
    return fingerprint(sqlite);
  }

  ScratchDir directory;
};

const std::string kInsert = "INSERT INTO t (v) SELECT randomblob(600) FROM t LIMIT 40";

void check_same(Sqlite& copy, const std::string& expected) {
  CHECK(fingerprint(copy) == expected);
  CHECK(copy.query("PRAGMA integrity_check") == "ok");
}

// Starts the copy's WAL with a commit of SQLite's own that changes nothing that matters.
void open_wal(Sqlite& copy) {
  (void)copy.query("PRAGMA wal_autocheckpoint = 0");
  copy.exec("PRAGMA user_version = 0");
}

TEST_CASE("SQLite reads what we append, commit by commit and over several blocks") {
  for (const int page_bytes : {512, 4096}) {
    CAPTURE(page_bytes);
    Twins twins(page_bytes);
    const std::vector<WalFrame> frames = twins.frames_of(kInsert, page_bytes == 512 ? 180 : 20);
    if (page_bytes == 512) CHECK(frames.size() > 9000);
    Child child([&] { twins.append(frames); });
    Sqlite copy(twins.directory / "copy");
    open_wal(copy);
    CHECK(copy.number("SELECT count(*) FROM t") == 50);
    REQUIRE(child.go());
    check_same(copy, twins.source_fingerprint());
    insert(copy, 20, 100);
    (void)copy.query("PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK(copy.query("PRAGMA integrity_check") == "ok");
  }
}

TEST_CASE("what is not published is not read, and SQLite writes over it") {
  Twins twins(512);
  std::vector<WalFrame> frames = twins.frames_of(kInsert, 20);
  Child child([&] {
    WalWriter writer(twins.directory / "copy");
    for (const WalFrame& frame : frames) writer.append(frame);
  });
  Sqlite copy(twins.directory / "copy");
  open_wal(copy);
  const std::string before = fingerprint(copy);
  REQUIRE(child.go());
  check_same(copy, before);
  insert(copy, 3, 100);
  check_same(copy, fingerprint(copy));
}

TEST_CASE("frames that a dead SQLite left unpublished do not show") {
  Twins twins(512);
  const std::vector<WalFrame> frames = twins.frames_of(kInsert, 3);
  Child dying([&] {
    Sqlite sqlite(twins.directory / "copy");
    sqlite.exec("PRAGMA cache_size = 5");
    sqlite.exec("BEGIN");
    insert(sqlite, 400, 2000);
    _exit(0);
  });
  Child writing([&] { twins.append(frames); });
  Sqlite copy(twins.directory / "copy");
  open_wal(copy);
  REQUIRE(dying.go());
  REQUIRE(writing.go());
  check_same(copy, twins.source_fingerprint());
}

TEST_CASE("SQLite follows us over a restart of the WAL") {
  Twins twins(512);
  const std::vector<WalFrame> frames = twins.frames_of(kInsert, 10);
  Child child([&] {
    WalWriter writer(twins.directory / "copy");
    writer.restart(0x12345678);
    for (const WalFrame& frame : frames) {
      writer.append(frame);
      if (frame.commit != 0) writer.publish();
    }
  });
  Sqlite copy(twins.directory / "copy");
  open_wal(copy);
  CHECK(copy.query("PRAGMA wal_checkpoint(FULL)") == "0");
  REQUIRE(child.go());
  check_same(copy, twins.source_fingerprint());
  insert(copy, 20, 100);
  CHECK(copy.query("PRAGMA wal_checkpoint(TRUNCATE)") == "0");
  CHECK(copy.number("SELECT count(*) FROM t") == 50 + 10 * 40 + 20);
}

}  // namespace
}  // namespace skerry::sqlite
