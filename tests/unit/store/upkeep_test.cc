#include "daemon/store/upkeep.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/capture_fixture.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

class TestLog final : public store::UpkeepLog {
 public:
  void sync_failed(const db::Database&, const Error& error) override { FAIL(error.message()); }
  void retention_failed(const db::Database&, const Error& error) override { FAIL(error.message()); }
  void retained(const db::Database&, const db::RetentionResult&) override {}
  void verified(const db::Database&, uint32_t pages) override { verified_pages = pages; }
  void damaged(const db::Database&, const Error& error) override {
    const std::lock_guard lock(mutex);
    damage = error.message();
  }
  [[nodiscard]] std::string seen_damage() {
    const std::lock_guard lock(mutex);
    return damage;
  }

  std::atomic<uint32_t> verified_pages = 0;
  std::mutex mutex;
  std::string damage;
};

template <typename Condition>
bool wait_for(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  return condition();
}

TEST_CASE("when the disk is full, upkeep removes history, whatever the retention") {
  CaptureFixture f;
  {
    SqliteDb db(f.path("a.db"), "captured");
    REQUIRE(db.exec("create table t(v)") == SQLITE_OK);
    for (int i = 0; i < 3; ++i) {
      f.vfs.database("a.db")->log().roll();
      REQUIRE(db.exec("insert into t values(1)") == SQLITE_OK);
    }
  }
  f.vfs.forget_databases();
  auto store =
      store::Store::open({f.fs, f.clock, f.gate, f.listener, f.cache, NodeId(1)}, f.dir.path());
  REQUIRE(store.has_value());
  db::CommitLog& log = (*store)->find("a.db")->log();
  REQUIRE(log.segments().size() == 4);
  TestLog log_of_upkeep;
  store::Upkeep upkeep(**store, f.clock, log_of_upkeep, {{}, std::chrono::hours(1)});
  upkeep.start();
  CHECK(wait_for([&] {
    upkeep.make_room();
    return log.segments().size() == 1;
  }));
  upkeep.stop();
  CHECK(log.oldest() == Txid(0));
}

TEST_CASE("after an end without order, pages are compared with the table while it is served") {
  for (const bool rotten : {false, true}) {
    CAPTURE(rotten);
    CaptureFixture f;
    {
      SqliteDb db(f.path("a.db"), "captured");
      REQUIRE(db.exec("create table t(v); insert into t values(randomblob(1000000))") == SQLITE_OK);
    }
    f.vfs.forget_databases();
    if (rotten) {
      auto file =
          f.fs.open(os::Site("test"), f.dir_of("a.db") + "/database", os::OpenMode::kReadWrite);
      REQUIRE((*file)->write_at(os::Site("test"), 700'000, as_bytes("rotten")).has_value());
    }
    auto store =
        store::Store::open({f.fs, f.clock, f.gate, f.listener, f.cache, NodeId(1)}, f.dir.path());
    REQUIRE(store.has_value());
    TestLog log_of_upkeep;
    store::Upkeep upkeep(**store, f.clock, log_of_upkeep,
                         {{}, std::chrono::hours(1), std::chrono::seconds(0)});
    upkeep.start();
    if (rotten) {
      CHECK(wait_for([&] { return !log_of_upkeep.seen_damage().empty(); }));
      CHECK(log_of_upkeep.seen_damage().contains("page 171"));
      CHECK(log_of_upkeep.verified_pages == 0);
    } else {
      CHECK(wait_for([&] { return log_of_upkeep.verified_pages > 200; }));
      CHECK(log_of_upkeep.seen_damage().empty());
    }
  }
}

}  // namespace
}  // namespace skerry::test
