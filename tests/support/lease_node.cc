#include "tests/support/lease_node.h"

#include <fmt/format.h>

#include <cstdlib>
#include <random>

namespace skerry::test {

static NodeId random_id() {
  std::random_device device;
  return NodeId((uint64_t{device()} << 32) | device());
}

LeaseNode::LeaseNode(const LeaseNodeOptions& options) : id_(random_id()), name_(options.name) {
  facts_.standing = options.standing;
  lease::ConsulOptions consul;
  consul.place = *lease::parse_consul_url(options.consul_url, options.key);
  consul.election.self = {options.name, fmt::format("http://127.0.0.1:{}", listening_.port())};
  consul.election.node = id_;
  consul.election.candidate = options.candidate;
  consul.election.new_cluster_id = "LFSC0123456789ABCDEF";
  consul.election.predecessor = options.predecessor;
  consul.election.seen = options.seen;
  leaser_ = *lease::ConsulLeaser::open(std::move(consul), *this);
  cluster::add_lease_routes(server_.router(), *leaser_);
  REQUIRE(server_.start(listening_.fd()));
  leaser_->start([this](const lease::LeaseState& state) {
    right_until_ = state.is_primary ? state.right_until.time_since_epoch() : lease::Duration{0};
  });
}

LeaseNode::~LeaseNode() {
  server_.stop();
}

bool LeaseNode::may_write() const {
  return lease::LeaseClock::now().time_since_epoch() < right_until_.load();
}

void LeaseNode::stand_at(const lease::Standing& standing) {
  {
    const std::lock_guard lock(mutex_);
    facts_.standing = standing;
  }
  leaser_->wake();
}

lease::event::Facts LeaseNode::facts() {
  const std::lock_guard lock(mutex_);
  return facts_;
}

void LeaseNode::persist(Epoch, bool, Done done) {
  done(true);
}

void LeaseNode::adopt_cluster_id(const std::string& id) {
  const std::lock_guard lock(mutex_);
  facts_.cluster_id = id;
}

void LeaseNode::catch_up(const lease::Peer&, Done done) {
  done(false);
}

void LeaseNode::tell(std::string_view key, const std::string& message) {
  if (std::getenv("SKERRY_TEST_VERBOSE") == nullptr) return;
  const auto now = lease::LeaseClock::now().time_since_epoch();
  fmt::print(stderr, "{:.3f} {} {}: {}\n", std::chrono::duration<double>(now).count(), name_, key,
             message);
}

}  // namespace skerry::test
