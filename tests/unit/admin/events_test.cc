#include "daemon/admin/events.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>

#include "tests/support/fake_node.h"

namespace skerry::test {
namespace {

struct Fixture {
  Fixture() {
    hub.role_is(node.now);
    node.add("a.db");
    node.add("b.db");
  }
  void commit(size_t database, uint64_t txid) {
    db::Transaction transaction;
    transaction.header.max_txid = Txid(txid);
    transaction.header.commit = 3;
    transaction.header.timestamp_ms = 1'683'356'889'007;
    transaction.post_apply = Checksum(kChecksumFlag | txid);
    hub.committed(*node.open[database], transaction);
  }
  static std::string tx(char database, uint64_t txid) {
    return fmt::format(
        "{{\"type\":\"tx\",\"db\":\"{}.db\",\"data\":{{\"txID\":\"{:016x}\",\"postApplyChecksum\":"
        "\"8{:015x}\",\"pageSize\":4096,\"commit\":3,\"timestamp\":\"2023-05-06T07:08:09.007Z\"}}}}"
        "\n",
        database, txid, txid);
  }

  FakeNode node;
  admin::EventHub hub;
};

constexpr const char* kInit = "{\"type\":\"init\",\"data\":{\"isPrimary\":true}}\n";

TEST_CASE("a client is greeted, and then told of each transaction") {
  Fixture f;
  f.commit(0, 1);  // before anybody listens
  const auto body = f.hub.subscribe();
  int woken = 0;
  body->start([&] { ++woken; });
  CHECK(body->take() == kInit);
  CHECK(body->take().empty());
  f.commit(0, 2);
  f.commit(1, 1);
  CHECK(woken == 1);  // not again before it has taken what there is
  CHECK(body->take() == Fixture::tx('a', 2) + Fixture::tx('b', 1));
  CHECK(body->take().empty());
  f.commit(0, 3);
  CHECK(woken == 2);
  CHECK(body->take() == Fixture::tx('a', 3));
}

TEST_CASE("an orphan is told of between transactions, and who fell behind gets it too") {
  Fixture f;
  const auto body = f.hub.subscribe();
  body->start([] {});
  CHECK(body->take() == kInit);
  f.commit(0, 2);
  f.hub.orphan_kept({"a.db", "7-2a/a.db", {}, Position{Txid(9), Checksum(3)}, 4});
  f.commit(0, 3);
  const std::string line =
      R"({"type":"orphan","db":"a.db","data":{"id":"7-2a/a.db",)"
      R"("end":"0000000000000009/0000000000000003","transactions":4}})"
      "\n";
  CHECK(body->take() == Fixture::tx('a', 2) + line + Fixture::tx('a', 3));
  f.hub.orphan_kept({"a.db", "7-2a/a.db", {}, Position{Txid(9), Checksum(3)}, 4});
  for (uint64_t t = 0; t < admin::EventHub::kRecentMax + 1; ++t) f.commit(0, 10 + t);
  CHECK(body->take().contains(line));
}

TEST_CASE("changes of the primary are told, with the host where it is another one") {
  Fixture f;
  const auto body = f.hub.subscribe();
  int woken = 0;
  body->start([&] { ++woken; });
  (void)body->take();
  (void)body->take();
  f.hub.role_is(f.node.now);  // nothing new
  CHECK(woken == 0);
  f.hub.role_is({false, Epoch(8), true, "b", "http://b:1"});
  CHECK(woken == 1);
  CHECK(body->take() ==
        "{\"type\":\"primaryChange\",\"data\":{\"isPrimary\":false,\"hostname\":\"b\"}}\n");
  f.hub.role_is({false, Epoch(8), false, "", ""});
  CHECK(body->take() == "{\"type\":\"primaryChange\",\"data\":{\"isPrimary\":false}}\n");
  const auto late = f.hub.subscribe();
  late->start([] {});
  CHECK(late->take() == "{\"type\":\"init\",\"data\":{\"isPrimary\":false}}\n");
}

TEST_CASE("who reads slowly is given the newest of each database, and nothing twice") {
  Fixture f;
  const auto slow = f.hub.subscribe();
  slow->start([] {});
  (void)slow->take();
  f.commit(1, 7);
  const uint64_t last = 3 * admin::EventHub::kRecentMax;
  for (uint64_t txid = 1; txid <= last; ++txid) f.commit(0, txid);
  CHECK(slow->take() == Fixture::tx('b', 7) + Fixture::tx('a', last));
  CHECK(slow->take().empty());
  f.commit(0, last + 1);
  CHECK(slow->take() == Fixture::tx('a', last + 1));
  // As many as are kept are all there, piece by piece.
  for (uint64_t txid = 1; txid <= admin::EventHub::kRecentMax; ++txid) f.commit(1, txid + 100);
  std::string all;
  size_t pieces = 0;
  for (std::string piece = slow->take(); !piece.empty(); piece = slow->take()) {
    all += piece;
    ++pieces;
  }
  CHECK(pieces == admin::EventHub::kRecentMax / admin::EventHub::kBatchMax);
  std::string expected;
  for (uint64_t txid = 1; txid <= admin::EventHub::kRecentMax; ++txid) {
    expected += Fixture::tx('b', txid + 100);
  }
  CHECK(all == expected);
}

TEST_CASE("clients are counted and bounded") {
  Fixture f;
  std::vector<std::unique_ptr<net::LiveBody>> bodies;
  for (size_t i = 0; i < admin::EventHub::kSubscribersMax; ++i) bodies.push_back(f.hub.subscribe());
  CHECK(bodies.back() != nullptr);
  CHECK(f.hub.subscribe() == nullptr);
  CHECK(f.hub.subscribers() == admin::EventHub::kSubscribersMax);
  bodies.clear();
  CHECK(f.hub.subscribers() == 0);
  CHECK(f.hub.subscribe() != nullptr);
}

}  // namespace
}  // namespace skerry::test
