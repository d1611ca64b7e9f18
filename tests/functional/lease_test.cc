// The lease with real Consul servers: who takes it when, and that nobody shares it.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <thread>

#include "tests/support/consul.h"
#include "tests/support/lease_node.h"
#include "tests/support/relay.h"

namespace skerry::test {
namespace {

using namespace std::chrono_literals;
using lease::Duration;
using lease::LeaseClock;
using lease::Phase;
using lease::Time;

constexpr auto kPatience = 60s;  // the machine may be slow

bool wait_until(const std::function<bool()>& is_it) {
  const Time give_up = LeaseClock::now() + kPatience;
  while (LeaseClock::now() < give_up) {
    if (is_it()) return true;
    std::this_thread::sleep_for(2ms);
  }
  return false;
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Looks all the time who may write.
class Watch {
 public:
  explicit Watch(std::vector<const LeaseNode*> nodes) : nodes_(std::move(nodes)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Watch() {
    ended_ = true;
    thread_.join();
    // Two may only seem to write when the sample was interrupted between the looks.
    CHECK(shared_ == 0);
  }
  [[nodiscard]] Duration longest_gap() const { return gap_.load(); }

 private:
  void run() {
    Time last = LeaseClock::now();
    while (!ended_) {
      const auto writers = [this] {
        return std::ranges::count_if(nodes_, [](const LeaseNode* n) { return n->may_write(); });
      };
      const Time before = LeaseClock::now();
      const auto count = writers();
      const bool is_quick = LeaseClock::now() - before < 5ms;
      if (count > 1 && is_quick) ++shared_;
      if (count > 0) {
        gap_ = std::max(gap_.load(), before - last);
        last = before;
      }
      std::this_thread::sleep_for(500us);
    }
  }

  const std::vector<const LeaseNode*> nodes_;
  std::atomic<bool> ended_{false};
  std::atomic<int> shared_{0};
  std::atomic<Duration> gap_{Duration{0}};
  std::thread thread_;
};

struct Cluster {
  Consul consul;
  Relay relay_a;
  std::string url;

  explicit Cluster(size_t servers = 1)
      : consul(servers),
        relay_a(consul.port()),
        url(fmt::format("http://127.0.0.1:{}", consul.port())) {}

  // Node a sees Consul through the relay.
  [[nodiscard]] LeaseNodeOptions a() const {
    return {.name = "a", .consul_url = fmt::format("http://127.0.0.1:{}", relay_a.port())};
  }
  [[nodiscard]] LeaseNodeOptions named(const std::string& name) const {
    return {.name = name, .consul_url = url};
  }
};

bool is_primary(LeaseNode& node) {
  return wait_until([&] { return node.may_write(); });
}

bool follows(LeaseNode& node, const std::string& primary) {
  return wait_until([&] {
    const auto state = node.leaser().state();
    return state.primary && state.primary->hostname == primary && state.phase == Phase::kFollowing;
  });
}

bool is_listed(Cluster& cluster, const std::string& name) {
  return wait_until([&] {
    return cluster.consul.call("GET", "/v1/kv/app/primary/record?raw")
        .contains(fmt::format(R"({{"hostname":"{}","advertise-url")", name));
  });
}

TEST_CASE("acquire, renew, follow, give back") {
  Cluster cluster;
  auto a = std::make_unique<LeaseNode>(cluster.a());
  REQUIRE(is_primary(*a));
  const Epoch first = a->epoch();
  CHECK(first > Epoch(0));
  LeaseNode b(cluster.named("b"));
  REQUIRE(follows(b, "a"));
  CHECK(wait_until([&] { return b.leaser().state().epoch == first; }));
  REQUIRE(is_listed(cluster, "b"));
  CHECK(wait_until([&] { return b.cluster_id() == "LFSC0123456789ABCDEF"; }));
  const std::string key = cluster.consul.call("GET", "/v1/kv/app/primary?raw");
  CHECK(key.contains(R"("hostname":"a","advertise-url":"http://127.0.0.1:)"));
  Watch watch({a.get(), &b});
  const Time until = LeaseClock::now() + 12s;  // past the session's TTL
  while (LeaseClock::now() < until) {
    CHECK(a->may_write());
    std::this_thread::sleep_for(10ms);
  }
  CHECK(a->epoch() == first);
  // It ends in order: nobody has to wait for a term.
  const Time left = LeaseClock::now();
  a->leaser().stop();
  REQUIRE(is_primary(b));
  MESSAGE("given back and taken in " << seconds(LeaseClock::now() - left) << " s");
  CHECK(LeaseClock::now() - left < 2s);
  CHECK(b.epoch() > first);
}

TEST_CASE("a holder that is dead or frozen is replaced within its term and a little") {
  Cluster cluster;
  auto a = std::make_unique<LeaseNode>(cluster.a());
  REQUIRE(is_primary(*a));
  LeaseNode b(cluster.named("b"));
  REQUIRE(follows(b, "a"));
  REQUIRE(is_listed(cluster, "b"));
  const Time died = LeaseClock::now();
  a.reset();
  REQUIRE(is_primary(b));
  MESSAGE("taken over in " << seconds(LeaseClock::now() - died) << " s");
  CHECK(LeaseClock::now() - died < 6s);
  CHECK(LeaseClock::now() - died > 1s);
}

TEST_CASE("a process that follows a dead one in its folder takes its lease up at once") {
  Cluster cluster;
  auto a = std::make_unique<LeaseNode>(cluster.a());
  REQUIRE(is_primary(*a));
  LeaseNode b(cluster.named("b"));
  REQUIRE(follows(b, "a"));
  REQUIRE(is_listed(cluster, "b"));
  auto options = cluster.a();
  options.predecessor = a->id();
  options.seen = a->epoch();
  const Epoch before = a->epoch();
  a.reset();
  const Time restarted = LeaseClock::now();
  LeaseNode again(options);
  REQUIRE(is_primary(again));
  MESSAGE("taken up in " << seconds(LeaseClock::now() - restarted) << " s");
  CHECK(LeaseClock::now() - restarted < 1s);
  CHECK(again.epoch() > before);
}

TEST_CASE("hands that delete keys and sessions do not unseat the holder") {
  Cluster cluster;
  LeaseNode a(cluster.a());
  REQUIRE(is_primary(a));
  LeaseNode b(cluster.named("b"));
  REQUIRE(follows(b, "a"));
  REQUIRE(is_listed(cluster, "b"));
  Watch watch({&a, &b});
  const Epoch epoch = a.epoch();
  const auto is_held = [&] {
    return wait_until([&] {
      return cluster.consul.call("GET", "/v1/kv/app/primary").contains("\"Session\"") &&
             cluster.consul.call("GET", "/v1/kv/app/primary/record?raw")
                 .contains("\"closed\":false");
    });
  };
  SUBCASE("the key") {
    cluster.consul.call("DELETE", "/v1/kv/app/primary");
  }
  SUBCASE("the record") {
    cluster.consul.call("DELETE", "/v1/kv/app/primary/record");
  }
  SUBCASE("the session") {
    const std::string key = cluster.consul.call("GET", "/v1/kv/app/primary");
    const std::string mark = "\"Session\":\"";
    const std::string session = key.substr(key.find(mark) + mark.size(), 36);
    CHECK(cluster.consul.call("PUT", "/v1/session/destroy/" + session) == "true");
  }
  std::this_thread::sleep_for(100ms);
  REQUIRE(is_held());
  CHECK(a.may_write());
  CHECK(a.epoch() == epoch);
  CHECK(watch.longest_gap() < 100ms);
}

TEST_CASE("Consul hangs for the holder alone: with everybody's promise it goes on, else it ends") {
  Cluster cluster;
  LeaseNode a(cluster.a());
  REQUIRE(is_primary(a));
  auto b = std::make_unique<LeaseNode>(cluster.named("b"));
  REQUIRE(follows(*b, "a"));
  REQUIRE(is_listed(cluster, "b"));
  const Epoch epoch = a.epoch();
  SUBCASE("everybody answers") {
    Watch watch({&a, b.get()});
    cluster.relay_a.set(Relay::Mode::kHang);
    const Time until = LeaseClock::now() + 25s;  // until Consul has ended the session
    while (LeaseClock::now() < until) std::this_thread::sleep_for(50ms);
    CHECK(a.may_write());
    cluster.relay_a.set(Relay::Mode::kPass);
    CHECK(wait_until([&] { return a.leaser().state().reason == "holds the lease"; }));
    CHECK(a.epoch() == epoch);
    CHECK(watch.longest_gap() < 200ms);
  }
  SUBCASE("a candidate is gone") {
    b.reset();
    const Time cut = LeaseClock::now();
    cluster.relay_a.set(Relay::Mode::kHang);
    CHECK(wait_until([&] { return !a.may_write(); }));
    CHECK(LeaseClock::now() - cut < 3s);
    CHECK(wait_until([&] { return a.leaser().state().phase == Phase::kLapsed; }));
    CHECK(a.leaser().state().reason.contains("candidate b did not promise"));
  }
}

TEST_CASE("a holder that is cut off from everybody is replaced, and follows when it is back") {
  Cluster cluster;
  LeaseNode a(cluster.a());
  REQUIRE(is_primary(a));
  // b is where a cannot reach it: under an address that hangs.
  LeaseNode b(cluster.named("b"));
  REQUIRE(follows(b, "a"));
  REQUIRE(is_listed(cluster, "b"));
  // A candidate that nobody can reach: the promise fails.
  const std::string ghost =
      R"({"hostname":"ghost","advertise-url":"http://127.0.0.1:1","candidate":true,"node":"0000000000000009"})";
  cluster.consul.call("PUT", "/v1/kv/app/primary/nodes/ghost", ghost);
  REQUIRE(is_listed(cluster, "ghost"));
  Watch watch({&a, &b});
  const Epoch before = a.epoch();
  const Time cut = LeaseClock::now();
  cluster.relay_a.set(Relay::Mode::kHang);
  REQUIRE(is_primary(b));
  MESSAGE("taken over in " << seconds(LeaseClock::now() - cut) << " s");
  CHECK(LeaseClock::now() - cut < 8s);
  CHECK(b.epoch() > before);
  cluster.relay_a.set(Relay::Mode::kPass);
  CHECK(follows(a, "b"));
}

TEST_CASE("LiteFS on the same key: never both") {
  Cluster cluster;
  const std::string session =
      cluster.consul.call("PUT", "/v1/session/create",
                          R"({"Name":"litefs","Behavior":"delete","TTL":"10s","LockDelay":"1s"})");
  const std::string id = session.substr(session.find(':') + 2, 36);
  cluster.consul.call("PUT", "/v1/kv/app/primary/clusterid", "LFSC0123456789ABCDEF");
  const std::string value = R"({"hostname":"l","advertise-url":"http://l:20202"})";
  REQUIRE(cluster.consul.call("PUT", "/v1/kv/app/primary?acquire=" + id, value) == "true");
  auto options = cluster.a();
  LeaseNode a(options);
  a.adopt_cluster_id("LFSC0123456789ABCDEF");
  REQUIRE(follows(a, "l"));
  const Time until = LeaseClock::now() + 6s;
  while (LeaseClock::now() < until) {
    CHECK_FALSE(a.may_write());
    std::this_thread::sleep_for(20ms);
  }
  CHECK(a.leaser().state().reason.contains("does not fence itself"));
  // Its session ends; it may be writing yet for a while.
  CHECK(cluster.consul.call("PUT", "/v1/session/destroy/" + id) == "true");
  const Time ended = LeaseClock::now();
  REQUIRE(is_primary(a));
  CHECK(LeaseClock::now() - ended > 3s);
  // LiteFS does not get the key from Skerry either.
  const std::string again = cluster.consul.call(
      "PUT", "/v1/session/create", R"({"Name":"litefs","Behavior":"delete","TTL":"10s"})");
  CHECK(cluster.consul.call("PUT",
                            "/v1/kv/app/primary?acquire=" + again.substr(again.find(':') + 2, 36),
                            value) == "false");
}

TEST_CASE("a prefix in the URL: the session's node is registered in the catalog") {
  Cluster cluster;
  auto options = cluster.named("a");
  options.consul_url += "/org-abc/";
  LeaseNode a(options);
  REQUIRE(is_primary(a));
  CHECK(cluster.consul.call("GET", "/v1/catalog/nodes").contains(R"("Node":"org-abc/litefs")"));
  CHECK(cluster.consul.call("GET", "/v1/kv/org-abc/app/primary?raw").contains(R"("hostname":"a")"));
}

TEST_CASE("a planned change under the old holder's eyes") {
  Cluster cluster;
  LeaseNode a(cluster.a());
  REQUIRE(is_primary(a));
  LeaseNode b(cluster.named("b"));
  REQUIRE(follows(b, "a"));
  Watch watch({&a, &b});
  for (int round = 0; round < 3; ++round) {
    LeaseNode& from = round % 2 == 0 ? a : b;
    LeaseNode& to = round % 2 == 0 ? b : a;
    from.leaser().yield([&to](const lease::action::Offer& offer) {
      to.leaser().granted({offer.key_index, offer.record_index});
    });
    REQUIRE(is_primary(to));
    REQUIRE(wait_until([&] { return from.leaser().state().phase == Phase::kFollowing; }));
  }
  MESSAGE("longest time without a holder in 3 changes: " << seconds(watch.longest_gap()) << " s");
  CHECK(watch.longest_gap() < 1s);
  // A successor that does not take it.
  b.leaser().yield([](const lease::action::Offer&) {});
  REQUIRE(wait_until([&] { return b.leaser().state().phase == Phase::kYielded; }));
  b.leaser().reclaim();
  CHECK(is_primary(b));
}

TEST_CASE("three servers: the leader is killed, then all stand still") {
  Cluster cluster(3);
  LeaseNode a(cluster.named("a"));
  REQUIRE(is_primary(a));
  LeaseNode b(cluster.named("b"));
  REQUIRE(follows(b, "a"));
  REQUIRE(is_listed(cluster, "b"));
  Watch watch({&a, &b});
  const Epoch epoch = a.epoch();
  // a and b ask server 0: another one, so that their own connection is not what is lost.
  const size_t leader = cluster.consul.leader();
  if (leader != 0) {
    cluster.consul.kill(leader);
    cluster.consul.wait_for_leader();
  } else {
    cluster.consul.signal(0, SIGSTOP);
    std::this_thread::sleep_for(8s);
    cluster.consul.signal(0, SIGCONT);
    cluster.consul.wait_for_leader();
  }
  CHECK(wait_until([&] { return a.leaser().state().reason == "holds the lease"; }));
  CHECK(a.may_write());
  for (size_t i = 0; i < 3; ++i) {
    if (i != leader) cluster.consul.signal(i, SIGSTOP);
  }
  if (leader == 0) cluster.consul.signal(0, SIGSTOP);
  const Time until = LeaseClock::now() + 25s;
  while (LeaseClock::now() < until) std::this_thread::sleep_for(50ms);
  CHECK(a.may_write());
  for (size_t i = 0; i < 3; ++i) {
    if (i != leader || leader == 0) cluster.consul.signal(i, SIGCONT);
  }
  cluster.consul.wait_for_leader();
  CHECK(wait_until([&] { return a.leaser().state().reason == "holds the lease"; }));
  CHECK(a.epoch() == epoch);
  MESSAGE("longest time without a holder: " << seconds(watch.longest_gap()) << " s");
  CHECK(watch.longest_gap() < 200ms);
}

}  // namespace
}  // namespace skerry::test

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  if (!skerry::test::Consul::is_installed()) return kSkipped;
  doctest::Context context(argc, argv);
  return context.run();
}
