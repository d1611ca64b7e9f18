#include "daemon/db/image_reader.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "ltx/checksum.h"
#include "tests/support/capture_fixture.h"
#include "tests/support/db_model.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

using db::ImageReader;

constexpr std::chrono::milliseconds kNoWait{1};

// What a receiver makes of the batches.
struct Received {
  std::map<uint32_t, Bytes> pages;
  std::optional<ImageReader::End> end;
  size_t count = 0;

  void take(const ImageReader::Batch& batch) {
    if (batch.restart) pages.clear();
    for (size_t i = 0; i < batch.pages.size(); ++i) {
      const ByteView page = batch.page(i);
      pages[batch.pages[i].value()] = Bytes(page.begin(), page.end());
      ++count;
    }
    end = batch.end;
  }

  // Calls next() once; false at the end.
  bool step(ImageReader& reader) {
    ImageReader::Batch batch;
    const Status status = reader.next(batch);
    if (!status) FAIL(status.error().message());
    take(batch);
    return !end;
  }
};

void check_image(const Received& received, const DbImage& logical) {
  REQUIRE(received.end.has_value());
  REQUIRE(received.end->commit == logical.pages.size());
  for (size_t i = 0; i < logical.pages.size(); ++i) {
    if (logical.pages[i].empty()) continue;  // the lock page
    const auto page = received.pages.find(static_cast<uint32_t>(i) + 1);
    if (page == received.pages.end()) FAIL("page " << i + 1 << " did not come");
    if (page->second != logical.pages[i]) FAIL("page " << i + 1 << " differs");
  }
  CHECK(received.end->position.checksum == logical.checksum());
}

std::unique_ptr<ImageReader> open_reader(
    CaptureFixture& f, ImageReader::Of of,
    std::chrono::milliseconds wait = std::chrono::seconds(30)) {
  auto reader = ImageReader::open(f.vfs.database("a.db"), of, wait);
  REQUIRE(reader.has_value());
  return std::move(*reader);
}

void fill(SqliteDb& db, int rows) {
  REQUIRE(db.exec("create table if not exists t(id integer primary key, v)") == SQLITE_OK);
  REQUIRE(db.exec("with recursive n(i) as (select 1 union all select i+1 from n where i < " +
                  std::to_string(rows) + ") insert into t(v) select randomblob(900) from n") ==
          SQLITE_OK);
}

TEST_CASE("an image read between the commits of a writer is the last of its states") {
  for (const char* mode : {"delete", "wal"}) {
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(mode);
      CAPTURE(seed);
      std::mt19937_64 random(seed);
      CaptureFixture f;
      SqliteDb db(f.path("a.db"), "captured");
      db.exec("pragma page_size=512");
      db.value(std::string("pragma journal_mode=") + mode);
      fill(db, 3000);
      auto reader = open_reader(f, ImageReader::Of::kEverything);
      Received received;
      while (received.step(*reader)) {
        db.exec("update t set v=randomblob(300) where id%" + std::to_string(1 + random() % 400) +
                "=0");
        if (random() % 5 == 0)
          db.exec("delete from t where id > " + std::to_string(random() % 3000));
        if (random() % 5 == 0) fill(db, 50);
        if (random() % 7 == 0) db.exec("vacuum");
        if (random() % 7 == 0) db.value("pragma wal_checkpoint(truncate)");
      }
      check_image(received, read_logical(f.dir_of("a.db")));
      CHECK(received.end->position == f.vfs.database("a.db")->info().position);
    }
  }
}

TEST_CASE("what a transaction has not committed does not leak, and the end waits for its end") {
  for (const char* mode : {"delete", "truncate", "persist", "wal", "off"}) {
    for (const char* outcome : {"commit", "rollback"}) {
      if (std::string(mode) == "off" && std::string(outcome) == "rollback") continue;
      CAPTURE(mode);
      CAPTURE(outcome);
      CaptureFixture f;
      SqliteDb db(f.path("a.db"), "captured");
      db.value(std::string("pragma journal_mode=") + mode);
      fill(db, 2000);
      const DbImage before = read_logical(f.dir_of("a.db"));
      REQUIRE(db.exec("pragma cache_size=5; begin; update t set v=randomblob(901)") == SQLITE_OK);
      auto reader = open_reader(f, ImageReader::Of::kEverything, kNoWait);
      Received received;
      ImageReader::Batch batch;
      Status status;
      do {
        status = reader->next(batch);
        if (status) received.take(batch);
      } while (status && !batch.end);
      if (std::string(mode) == "wal") {
        REQUIRE(status.has_value());
        check_image(received, before);
        continue;
      }
      REQUIRE_FALSE(status.has_value());
      CHECK(status.error().code() == Errc::kBusy);
      for (const auto& [pgno, page] : received.pages) CHECK(page == before.pages[pgno - 1]);
      REQUIRE(db.exec(outcome) == SQLITE_OK);
      while (received.step(*reader)) {
      }
      check_image(received, read_logical(f.dir_of("a.db")));
    }
  }
}

TEST_CASE("writers of several threads go on while images are read") {
  for (const char* mode : {"delete", "wal"}) {
    CAPTURE(mode);
    CaptureFixture f;
    SqliteDb db(f.path("a.db"), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    db.exec("pragma synchronous=off");
    fill(db, 4000);
    std::atomic<bool> stop = false;
    // States that were committed, by txid: the image must be one of them.
    std::thread writer([&] {
      std::mt19937_64 random(7);
      db.exec("pragma cache_size=10; pragma wal_autocheckpoint=50");
      while (!stop) {
        db.exec("begin; update t set v=randomblob(800) where id between " +
                std::to_string(random() % 4000) + " and " + std::to_string(random() % 4000) +
                (random() % 4 == 0 ? "; rollback" : "; commit"));
      }
    });
    for (int i = 0; i < 8; ++i) {
      auto reader = open_reader(f, ImageReader::Of::kEverything);
      Received received;
      while (received.step(*reader)) {
      }
      Checksum sum = kEmptyChecksum;
      for (const auto& [pgno, page] : received.pages) {
        if (pgno <= received.end->commit) sum = sum ^ ltx::page_checksum(PageNo(pgno), page);
      }
      CHECK(sum == received.end->position.checksum);
    }
    stop = true;
    writer.join();
  }
}

TEST_CASE("a WAL larger than the index is read through a map of its own") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  db.exec("pragma page_size=512");
  db.value("pragma journal_mode=wal");
  db.exec("pragma wal_autocheckpoint=0; pragma synchronous=off");
  fill(db, 25000);
  db.exec("update t set v=randomblob(901)");
  REQUIRE(f.vfs.database("a.db")->info().wal_frames > 80000);
  auto reader = open_reader(f, ImageReader::Of::kEverything);
  Received received;
  int steps = 0;
  while (received.step(*reader)) {
    if (++steps % 20 == 0)
      db.exec("update t set v=randomblob(901) where id%1000=" + std::to_string(steps / 20));
  }
  check_image(received, read_logical(f.dir_of("a.db")));
}

TEST_CASE("a drop or another page size begins the image anew") {
  CaptureFixture f;
  auto db = std::make_unique<SqliteDb>(f.path("a.db"), "captured");
  fill(*db, 2000);
  auto reader = open_reader(f, ImageReader::Of::kEverything);
  Received received;
  REQUIRE(received.step(*reader));
  REQUIRE(db->exec("pragma page_size=8192; vacuum") == SQLITE_OK);
  while (received.step(*reader)) {
  }
  CHECK(received.end->page_size.bytes() == 8192);
  check_image(received, read_logical(f.dir_of("a.db")));

  reader = open_reader(f, ImageReader::Of::kEverything);
  Received dropped;
  REQUIRE(dropped.step(*reader));
  db.reset();
  auto database = f.vfs.database("a.db");
  database->remove(
      db::FileKind::kDatabase,
      [&]() -> Status {
        std::filesystem::remove(database->path(db::FileKind::kDatabase));
        return {};
      },
      [](Status status) { CHECK(status.has_value()); });
  while (dropped.step(*reader)) {
  }
  CHECK(dropped.end->commit == 0);
  CHECK(dropped.pages.empty());
  CHECK(dropped.end->position == database->info().position);
}

TEST_CASE("of a database without a transaction there is an image at position 0") {
  CaptureFixture f;
  auto reader = open_reader(f, ImageReader::Of::kEverything);
  Received received;
  CHECK_FALSE(received.step(*reader));
  CHECK(received.end->position.txid == Txid(0));
  CHECK(received.end->commit == 0);
}

TEST_CASE("differences: only what a peer lacks comes, also while the database grows and shrinks") {
  for (const char* mode : {"delete", "wal"}) {
    for (const uint32_t chunk : {7u, 100u, 100000u}) {
      CAPTURE(mode);
      CAPTURE(chunk);
      CaptureFixture f;
      SqliteDb db(f.path("a.db"), "captured");
      db.value(std::string("pragma journal_mode=") + mode);
      fill(db, 3000);
      auto database = f.vfs.database("a.db");
      DbImage peer = read_logical(f.dir_of("a.db"));
      std::vector<Checksum> sums;
      for (;;) {
        const auto more = db::committed_checksums(
            *database, PageNo(static_cast<uint32_t>(sums.size()) + 1), chunk);
        if (more.empty()) break;
        sums.insert(sums.end(), more.begin(), more.end());
      }
      REQUIRE(sums.size() == peer.pages.size());
      db.exec("update t set v=randomblob(900) where id in (5, 600, 2900)");
      auto reader = open_reader(f, ImageReader::Of::kDifferences);
      Received received;
      size_t given = 0;
      bool changed = false;
      do {
        ImageReader::Batch batch;
        REQUIRE(reader->next(batch).has_value());
        received.take(batch);
        if (!batch.needs_checksums) continue;
        CHECK(reader->checksums_due().value() == given + 1);
        const size_t n = std::min<size_t>(chunk, sums.size() - given);
        const auto at = sums.begin() + static_cast<std::ptrdiff_t>(given);
        reader->peer_checksums({at, at + static_cast<std::ptrdiff_t>(n)});
        given += n;
        if (given * 2 > sums.size() && !changed) {
          changed = true;
          db.exec(
              "update t set v=randomblob(900) where id = 7; delete from t where id between 1000 "
              "and 1010");
          fill(db, 100);
        }
      } while (!received.end);
      const DbImage now = read_logical(f.dir_of("a.db"));
      CHECK(received.count < 80);
      peer.pages.resize(received.end->commit);
      for (const auto& [pgno, page] : received.pages) peer.pages[pgno - 1] = page;
      CHECK(peer.checksum() == now.checksum());
      CHECK(peer.checksum() == received.end->position.checksum);
    }
  }
}

TEST_CASE("a page that is not what was committed is reported, not sent") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  fill(db, 500);
  auto file = f.fs.open(os::Site("test"), f.dir_of("a.db") + "/database", os::OpenMode::kReadWrite);
  REQUIRE((*file)->write_at(os::Site("test"), 9 * 4096 + 100, as_bytes("rotten")).has_value());
  auto reader = open_reader(f, ImageReader::Of::kEverything);
  ImageReader::Batch batch;
  const Status status = reader->next(batch);
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code() == Errc::kCorrupt);
  CHECK(status.error().message().contains("page 10"));
}

TEST_CASE("written into a file, an image is a database") {
  CaptureFixture f;
  SqliteDb db(f.path("a.db"), "captured");
  db.value("pragma journal_mode=wal");
  fill(db, 1500);
  auto file = f.fs.open(os::Site("test"), f.path("copy"), os::OpenMode::kTruncate);
  auto reader = open_reader(f, ImageReader::Of::kEverything);
  const auto end = db::write_image(*reader, **file);
  REQUIRE(end.has_value());
  CHECK(end->position == f.vfs.database("a.db")->info().position);
  SqliteDb copy(f.path("copy"));
  CHECK(copy.value("pragma integrity_check") == "ok");
  CHECK(copy.value("select count(*) from t") == "1500");
}

}  // namespace
}  // namespace skerry::test
