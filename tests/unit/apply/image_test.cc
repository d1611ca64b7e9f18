#include <doctest/doctest.h>

#include <random>

#include "tests/support/image_source.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

const std::string kName = "a.db";
const std::string kMany = "with recursive n(i) as (select 1 union all select i+1 from n where i<";

struct Images {
  CaptureFixture primary;
  ReplicaFixture replica;

  [[nodiscard]] ImageSource now() { return ImageSource::of(primary, kName); }
  uint32_t send() {
    const auto sent = send_image(*replica.applier, kName, now());
    if (!sent) FAIL(sent.error().message());
    return *sent;
  }
  void check_equal(const ImageSource& want) const {
    REQUIRE(replica.position(kName) == want.position);
    REQUIRE(read_logical(replica.dir_of(kName)) == want.image);
  }
  void check_no_side_files() const {
    for (const std::string_view name : {db::kImagePagesName, db::kImageSumsName}) {
      CAPTURE(name);
      CHECK_FALSE(std::filesystem::exists(replica.dir_of(kName) + "/" + std::string(name)));
    }
  }
  void follow() {
    const Status done =
        test::follow(*replica.applier, *replica.store, kName, primary.vfs.database(kName)->log());
    if (!done) FAIL(done.error().message());
  }
};

std::string fill(int rows) {
  return "create table t(id integer primary key, v); " + kMany + std::to_string(rows) +
         ") insert into t(v) select randomblob(700) from n";
}

TEST_CASE("an image makes a database, and one over it brings what differs alone") {
  for (const char* mode : {"wal", "delete"}) {
    CAPTURE(mode);
    Images f;
    SqliteDb db(f.primary.path(kName), "captured");
    db.value(std::string("pragma journal_mode=") + mode);
    REQUIRE(db.exec(fill(300)) == SQLITE_OK);
    CHECK(f.send() == f.now().pages());
    f.check_equal(f.now());
    f.check_no_side_files();
    {
      SqliteDb reader(f.replica.path(kName), "replica");
      CHECK(reader.value("pragma integrity_check") == "ok");
      REQUIRE(reader.exec("begin") == SQLITE_OK);
      CHECK(reader.value("select count(*) from t") == "300");
      REQUIRE(db.exec("update t set v=randomblob(700) where id=150") == SQLITE_OK);
      if (mode == std::string("delete")) REQUIRE(reader.exec("commit") == SQLITE_OK);
      const uint32_t sent = f.send();
      CHECK(sent >= 1);
      CHECK(sent < 10);
      CHECK(reader.value("select count(*) from t") == "300");
      if (mode == std::string("wal")) REQUIRE(reader.exec("commit") == SQLITE_OK);
      CHECK(reader.value("pragma integrity_check") == "ok");
      f.check_equal(f.now());
      CHECK(f.send() == 0);
    }
    // The stream goes on where the image ended.
    REQUIRE(db.exec("insert into t(v) values(1)") == SQLITE_OK);
    f.follow();
    f.check_equal(f.now());
    f.replica.reopen();
    f.check_equal(f.now());
    f.check_no_side_files();
  }
}

TEST_CASE("an image that was interrupted goes on where it was, for a later state too") {
  for (const bool is_new : {true, false}) {
    CAPTURE(is_new);
    Images f;
    SqliteDb db(f.primary.path(kName), "captured");
    db.value("pragma journal_mode=wal");
    REQUIRE(db.exec(fill(50)) == SQLITE_OK);
    if (!is_new) f.send();
    REQUIRE(db.exec(kMany + "500) insert into t(v) select randomblob(700) from n") == SQLITE_OK);
    const ImageSource first = f.now();
    const Position before = f.replica.position(kName);
    {
      const auto image = f.replica.applier->begin_image(kName, first.header());
      REQUIRE(image.has_value());
      REQUIRE(*first.send(**image, 60) == 60);
    }
    CHECK(f.replica.position(kName) == before);
    f.replica.reopen();
    CHECK(f.replica.position(kName) == before);
    REQUIRE(db.exec("delete from t where id=10") == SQLITE_OK);
    const uint32_t sent = f.send();
    CHECK(sent >= f.now().pages() - 60 - (is_new ? 0 : 20));
    CHECK(sent < f.now().pages() - 40);
    f.check_equal(f.now());
    f.check_no_side_files();
  }
}

TEST_CASE("the header is refined at the end: the sender's database grew, shrank, other pages") {
  Images f;
  SqliteDb db(f.primary.path(kName), "captured");
  REQUIRE(db.exec(fill(200)) == SQLITE_OK);
  const ImageSource old = f.now();
  for (const char* sql : {"insert into t(v) values(randomblob(90000))",
                          "delete from t where id>20; vacuum", "pragma page_size=1024; vacuum"}) {
    CAPTURE(sql);
    const auto image = f.replica.applier->begin_image(kName, old.header());
    REQUIRE(image.has_value());
    REQUIRE(old.send(**image).has_value());
    REQUIRE(db.exec(sql) == SQLITE_OK);
    const ImageSource now = f.now();
    REQUIRE((*image)->set_header(now.header()).has_value());
    REQUIRE(now.send(**image).has_value());
    const Status done = (*image)->commit(now.position.checksum);
    if (!done) FAIL(done.error().message());
    f.check_equal(now);
    SqliteDb reader(f.replica.path(kName), "replica");
    CHECK(reader.value("pragma integrity_check") == "ok");
  }
  f.check_no_side_files();
}

TEST_CASE("an image that does not sum up changes nothing, and its pages are refused by number") {
  for (const bool is_new : {true, false}) {
    CAPTURE(is_new);
    Images f;
    SqliteDb db(f.primary.path(kName), "captured");
    db.value("pragma journal_mode=wal");
    REQUIRE(db.exec(fill(50)) == SQLITE_OK);
    if (!is_new) f.send();
    const Position before = f.replica.position(kName);
    REQUIRE(db.exec("update t set v=1") == SQLITE_OK);
    const ImageSource source = f.now();
    {
      const auto image = f.replica.applier->begin_image(kName, source.header());
      REQUIRE(image.has_value());
      REQUIRE(source.send(**image).has_value());
      Bytes wrong = source.image.pages[3];
      wrong[100] ^= std::byte{1};
      REQUIRE((*image)->add(PageNo(4), wrong).has_value());
      CHECK((*image)->add(PageNo(0), wrong).error().code() == Errc::kInvalid);
      CHECK((*image)->add(PageNo(5), ByteView(wrong).first(512)).error().code() == Errc::kInvalid);
      const Status done = (*image)->commit(source.position.checksum);
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().code() == Errc::kCorrupt);
    }
    CHECK(f.replica.position(kName) == before);
    CHECK(f.send() >= 1);
    f.check_equal(source);
  }
}

TEST_CASE("a history of its own gives way: the image's position may be the smaller one") {
  Images f;
  SqliteDb db(f.primary.path(kName), "captured");
  db.value("pragma journal_mode=wal");
  REQUIRE(db.exec(fill(30)) == SQLITE_OK);
  const ImageSource small = f.now();
  for (int i = 0; i < 20; ++i) REQUIRE(db.exec("insert into t(v) values(1)") == SQLITE_OK);
  f.send();
  const auto sent = send_image(*f.replica.applier, kName, small);
  if (!sent) FAIL(sent.error().message());
  f.check_equal(small);
  f.follow();
  f.check_equal(f.now());
  SqliteDb reader(f.replica.path(kName), "replica");
  CHECK(reader.value("select count(*) from t") == "50");
  CHECK(reader.value("pragma integrity_check") == "ok");
}

TEST_CASE("random states one over the other, with interruptions: the sender's pages and position") {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    Images f;
    SqliteDb db(f.primary.path(kName), "captured");
    db.exec(fill(20));
    std::vector<ImageSource> states;
    for (int i = 0; i < 12; ++i) {
      CAPTURE(i);
      const auto pick = [&](uint64_t n) { return random() % n; };
      if (pick(4) == 0) {
        db.value(pick(2) == 0 ? "pragma journal_mode=wal" : "pragma journal_mode=delete");
      }
      if (pick(5) == 0) {
        db.exec("delete from t where id%" + std::to_string(2 + pick(4)) + "=0; vacuum");
      }
      if (pick(9) == 0) db.exec("pragma page_size=" + std::to_string(512 << pick(5)) + "; vacuum");
      db.exec(kMany + std::to_string(1 + pick(60)) +
              ") insert into t(v) select randomblob(500) from n");
      states.push_back(f.now());
      const ImageSource& source = pick(5) == 0 ? states[pick(states.size())] : states.back();
      for (uint64_t stop = pick(3); stop > 0; --stop) {
        const auto image = f.replica.applier->begin_image(kName, source.header());
        REQUIRE(image.has_value());
        REQUIRE(source.send(**image, static_cast<uint32_t>(pick(40))).has_value());
      }
      if (pick(4) == 0) f.replica.reopen();
      const auto sent = send_image(*f.replica.applier, kName, source);
      if (!sent) FAIL(sent.error().message());
      f.check_equal(source);
    }
    SqliteDb reader(f.replica.path(kName), "replica");
    CHECK(reader.value("pragma integrity_check") == "ok");
  }
}

TEST_CASE("an import becomes one transaction, under readers, over any content") {
  CaptureFixture other;
  SqliteDb source(other.path("x.db"), "captured");
  REQUIRE(source.exec(fill(400)) == SQLITE_OK);
  const DbImage image = read_logical(other.dir_of("x.db"));
  for (const char* mode : {"none", "wal", "delete", "persist"}) {
    CAPTURE(mode);
    ReplicaFixture f;
    f.gate.writable = true;
    const bool is_new = mode == std::string("none");
    if (!is_new) {
      SqliteDb db(f.path(kName), "replica");
      db.value(std::string("pragma journal_mode=") + mode);
      REQUIRE(db.exec("create table t(id integer primary key, v); insert into t values(1, 2)") ==
              SQLITE_OK);
    }
    SqliteDb reader(f.path(kName), "replica");
    if (!is_new) CHECK(reader.value("select count(*) from t") == "1");
    const Position before = f.position(kName);
    const Status done = import(*f.applier, kName, image);
    if (!done) FAIL(done.error().message());
    CHECK(f.position(kName) == Position{next(before.txid), image.checksum()});
    CHECK(read_logical(f.dir_of(kName)) == image);
    CHECK(reader.value("select count(*) from t") == "400");
    CHECK(reader.value("pragma integrity_check") == "ok");
    CHECK(reader.exec("insert into t(v) values(5)") == SQLITE_OK);
    CHECK(f.position(kName).txid.value() == before.txid.value() + 2);
    CHECK(f.store->find(kName)->log().find(next(before.txid)).has_value());
  }
}

TEST_CASE("an import that is refused, broken off or does not sum up leaves what there was") {
  CaptureFixture other;
  SqliteDb source(other.path("x.db"), "captured");
  REQUIRE(source.exec(fill(40)) == SQLITE_OK);
  const DbImage image = read_logical(other.dir_of("x.db"));
  ReplicaFixture f;
  CHECK(import(*f.applier, kName, image).error().code() == Errc::kReadOnly);
  CHECK(f.store->find(kName) == nullptr);
  f.gate.writable = true;
  REQUIRE(import(*f.applier, kName, image).has_value());
  const Position before = f.position(kName);
  const auto unchanged = [&] {
    CHECK(f.position(kName) == before);
    CHECK(read_logical(f.dir_of(kName)) == image);
    SqliteDb reader(f.path(kName), "replica");
    CHECK(reader.value("pragma integrity_check") == "ok");
  };
  f.gate.refuse = true;
  CHECK(import(*f.applier, kName, image).error().code() == Errc::kReadOnly);
  f.gate.refuse = false;
  unchanged();
  {
    const auto incoming = f.applier->begin_import(kName, *PageSize::of(image.page_bytes), 40);
    REQUIRE(incoming.has_value());
    REQUIRE((*incoming)->add(PageNo(1), image.pages[0]).has_value());
  }
  unchanged();
  {
    const auto incoming = f.applier->begin_import(kName, *PageSize::of(image.page_bytes),
                                                  static_cast<uint32_t>(image.pages.size()));
    REQUIRE(incoming.has_value());
    for (uint32_t p = 1; p <= image.pages.size(); ++p) {
      REQUIRE((*incoming)->add(PageNo(p), image.pages[p - 1]).has_value());
    }
    CHECK((*incoming)->commit(Checksum(before.checksum.value() ^ 2)).error().code() ==
          Errc::kCorrupt);
  }
  unchanged();
  REQUIRE(import(*f.applier, kName, image).has_value());
  CHECK(f.position(kName).txid == next(before.txid));
}

}  // namespace
}  // namespace skerry::test
