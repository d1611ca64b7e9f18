#include "daemon/cluster/orphans.h"

#include <doctest/doctest.h>

#include "daemon/db/past_positions.h"
#include "daemon/db/stored_ltx.h"
#include "ltx/decoder.h"
#include "tests/support/stream_fixture.h"

namespace skerry::cluster {
namespace {

constexpr const char* kName = "a.db";

struct OrphansFixture : test::PrimaryFixture {
  Orphans orphans{fs, clock, *store, NodeId(42), "here"};
  std::vector<Orphan> told;
  OrphansFixture() {
    orphans.observe([this](const Orphan& orphan) { told.push_back(orphan); });
  }
  std::vector<Position> history() {
    const Position now = position(kName);
    return db::past_positions(store->find(kName)->log(), now, now.txid, 1000);
  }
  Status keep(std::span<const Position> past) {
    return orphans.keep_lost(
        {kName, position(kName), past, true, {NodeId(7), Epoch(9)}, "there"});
  }
  void verify(const std::string& path, Txid first, Txid last) {
    std::shared_ptr<os::File> file =
        fs.open(os::Site("test"), path, os::OpenMode::kRead).value();
    db::StoredLtxSource source(db::StoredLtx(first, last, file, 0, file->info()->bytes));
    const auto verified = ltx::verify(source);
    REQUIRE(verified.has_value());
    CHECK(verified->header.min_txid == first);
    CHECK(verified->header.max_txid == last);
  }
};

void write(OrphansFixture& f, int from, int to) {
  test::SqliteDb db(f.path(kName), "captured");
  REQUIRE(db.exec("create table if not exists t(v)") == SQLITE_OK);
  for (int i = from; i < to; ++i) {
    REQUIRE(db.exec("insert into t values(" + std::to_string(i) + ")") == SQLITE_OK);
  }
}

TEST_CASE("an orphan holds each lost transaction and the whole database, and is told of once") {
  OrphansFixture f;
  write(f, 0, 3);
  auto past = f.history();
  const Position fork = past.front();
  past.insert(past.begin(), Position{next(fork.txid), Checksum(kChecksumFlag | 1)});
  write(f, 3, 8);
  REQUIRE(f.keep(past).has_value());
  REQUIRE(f.told.size() == 1);
  const Orphan& orphan = f.told.front();
  CHECK(orphan.id == "7-000000000000002a/a.db");
  CHECK(orphan.fork == fork);
  CHECK(orphan.end == f.position(kName));
  CHECK(orphan.transactions == 5);
  CHECK(f.orphans.transactions() == 5);
  for (uint64_t t = fork.txid.value() + 1; t <= orphan.end.txid.value(); ++t) {
    f.verify(orphan.path + "/" + hex16(t) + "-" + hex16(t) + ".ltx", Txid(t), Txid(t));
  }
  f.verify(orphan.path + "/snapshot.ltx", Txid(1), orphan.end.txid);
  REQUIRE(orphan.has_base);
  f.verify(orphan.path + "/base.ltx", next(orphan.end.txid), next(orphan.end.txid));
  const auto listed = list_orphans(f.fs, f.dir.path()).value();
  REQUIRE(listed.size() == 1);
  CHECK(encode_orphan(listed.front()) == encode_orphan(orphan));
  CHECK(listed.front().bytes >= orphan.bytes);
  // An image that was interrupted and begins again.
  REQUIRE(f.keep(past).has_value());
  CHECK(f.orphans.count() == 1);
  CHECK(f.told.size() == 1);
}

TEST_CASE("a second orphan of the same name stands beside the first, and each is dropped alone") {
  OrphansFixture f;
  write(f, 0, 3);
  const auto past = f.history();
  write(f, 3, 5);
  REQUIRE(f.keep(past).has_value());
  write(f, 5, 6);
  REQUIRE(f.keep(past).has_value());
  REQUIRE(f.told.size() == 2);
  CHECK(f.told[1].id == "7-000000000000002a.2/a.db");
  CHECK(find_orphan(f.fs, f.dir.path(), "nothing").error().message().find(f.told[1].id) !=
        std::string::npos);
  REQUIRE(drop_orphan(f.fs, f.told[0]).has_value());
  const auto left = list_orphans(f.fs, f.dir.path()).value();
  REQUIRE(left.size() == 1);
  CHECK(left.front().end == f.told[1].end);
}

TEST_CASE("without the history before the fork there is no way back to it, and the rest is kept") {
  OrphansFixture f;
  write(f, 0, 3);
  const auto past = f.history();
  write(f, 3, 5);
  auto database = f.store->find(kName);
  REQUIRE(database->begin_log_segment().has_value());
  write(f, 5, 6);
  const Txid kept = f.position(kName).txid;
  REQUIRE(database->log().remove_before(kept).has_value());
  REQUIRE(f.keep(past).has_value());
  REQUIRE(f.told.size() == 1);
  CHECK_FALSE(f.told[0].has_base);
  CHECK(f.told[0].has_snapshot);
}

TEST_CASE("nothing is kept where nothing is lost") {
  OrphansFixture f;
  write(f, 0, 3);
  const auto past = f.history();
  REQUIRE(f.keep(past).has_value());
  CHECK(f.orphans.count() == 0);
  CHECK(f.told.empty());
}

TEST_CASE("more transactions than files are merged, and none is missing") {
  OrphansFixture f;
  write(f, 0, 1);
  const auto past = f.history();
  write(f, 1, 601);
  REQUIRE(f.keep(past).has_value());
  REQUIRE(f.told.size() == 1);
  CHECK(f.told[0].transactions == 600);
  size_t files = 0;
  uint64_t transactions = 0;
  const auto names = f.fs.list(f.told[0].path).value();
  for (const os::DirEntry& entry : names) {
    if (entry.name.size() != 37) continue;  // <16>-<16>.ltx
    const Txid first(*parse_hex16(entry.name.substr(0, 16)));
    const Txid last(*parse_hex16(entry.name.substr(17, 16)));
    f.verify(f.told[0].path + "/" + entry.name, first, last);
    ++files;
    transactions += last.value() - first.value() + 1;
  }
  CHECK(files <= 256);
  CHECK(transactions == 600);
}

TEST_CASE("damaged descriptions are errors") {
  for (const char* text : {"", "{", "[]", "{}", R"({"format":"skerry-orphan 1"})",
                           R"({"format":"skerry-orphan 1","database":"a","end":"1/2"})"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_orphan(text).has_value());
  }
}

}  // namespace
}  // namespace skerry::cluster
