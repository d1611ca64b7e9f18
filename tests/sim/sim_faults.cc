// What goes wrong in the simulated world.
#include <fmt/format.h>

#include "tests/sim/cluster_sim_internal.h"

namespace skerry::sim {

using namespace std::chrono_literals;
namespace event = lease::event;

ClusterSim::Node& ClusterSim::any_node() {
  // Rather the primary: what happens to it matters most.
  if (chance(60)) {
    for (const auto& node : nodes_) {
      if (node->is_up() && node->election->state().is_primary) return *node;
    }
  }
  return *nodes_[static_cast<size_t>(pick(0, static_cast<int64_t>(nodes_.size()) - 1))];
}

void ClusterSim::break_something() {
  if (!faults_on_) return;
  in(ms(500, 9000), [this] { break_something(); });
  Node& node = any_node();
  auto fault = pick(0, 14);
  // Against a hand that takes its key away, nobody is protected from a LiteFS that is there.
  if (litefs_ && fault >= 10 && fault <= 12) fault = 0;
  const auto until = [this](Duration length, std::function<void()> mend) {
    in(length, std::move(mend));
  };
  switch (fault) {
    case 0:
    case 1: {
      if (!node.is_up()) return;
      kill(node);
      const bool same_boot = chance(60);
      const bool lost_tail = !same_boot && chance(20);
      if (lost_tail && node.standing.transactions > 3) {
        node.standing.transactions -= 3;
        operator_needed_ = true;
      }
      return until(ms(1, 15000), [this, &node, same_boot] {
        if (!node.is_up()) start(node, same_boot);
      });
    }
    case 2:
    case 3: {
      if (!node.is_up() || node.frozen) return;
      trace(fmt::format("{} freezes", node.name));
      node.frozen = true;
      return until(ms(100, 15000), [this, &node, life = node.life] {
        if (node.life != life) return;
        trace(fmt::format("{} thaws", node.name));
        node.frozen = false;
        auto inbox = std::exchange(node.inbox, {});
        for (const lease::Event& happened : inbox) {
          if (node.life == life) step(node, happened);
        }
        if (node.life == life) step(node, event::Tick{});
      });
    }
    case 4:
      trace(fmt::format("{} cannot send to Consul", node.name));
      node.to_consul = false;
      return until(ms(500, 25000), [&node] { node.to_consul = true; });
    case 5:
      trace(fmt::format("{} hears nothing of Consul", node.name));
      node.from_consul = false;
      return until(ms(500, 25000), [&node] { node.from_consul = true; });
    case 6:
      trace(fmt::format("{} is cut off from its peers", node.name));
      node.peers = false;
      return until(ms(500, 25000), [&node] { node.peers = true; });
    case 7:
      trace(fmt::format("{} is cut off from everybody", node.name));
      node.to_consul = node.from_consul = node.peers = false;
      return until(ms(500, 25000),
                   [&node] { node.to_consul = node.from_consul = node.peers = true; });
    case 8:
      trace("Consul is down");
      consul_up_ = false;
      looks_.clear();
      return until(ms(200, 30000), [this] {
        trace("Consul is up");
        consul_up_ = true;
        consul_->restart(now_);
      });
    case 9:
      slow_ = static_cast<int>(pick(1, 20));
      return until(ms(1000, 10000), [this] { slow_ = 0; });
    case 10:
      trace("the lease's key is deleted by hand");
      return consul_->delete_by_hand(lease::Op::Place::kLease);
    case 11:
      trace("the lease's session is destroyed by hand");
      return consul_->destroy(consul_->holder_session(), now_);
    case 12:
      // Nobody should while the primary is out of Consul's reach (ELECTION.md).
      if (!consul_up_ || slow_ > 0) return;
      for (const auto& one : nodes_) {
        if (!one->to_consul || !one->from_consul || one->frozen) return;
      }
      operator_needed_ = true;
      if (chance(50)) {
        trace("the record is deleted by hand");
        return consul_->delete_by_hand(lease::Op::Place::kRecord);
      }
      if (!chance(30)) return;
      trace("all keys are deleted by hand");
      return consul_->delete_everything();
    case 13:
      return hand_over(node);
    default: {
      if (!node.is_up() || node.frozen) return;
      trace(fmt::format("{} ends in order", node.name));
      feed(node, event::Release{});
      return until(ms(50, 4000), [this, &node, life = node.life] {
        if (node.life != life) return;
        kill(node);
        in(ms(1, 5000), [this, &node, life] {
          if (node.life == life + 1) start(node, chance(50));
        });
      });
    }
  }
}

void ClusterSim::hand_over(Node& from) {
  if (!from.is_up() || !from.election->state().is_primary) return;
  const Node& to = *nodes_[static_cast<size_t>(pick(0, static_cast<int64_t>(nodes_.size()) - 1))];
  if (&to == &from || !to.candidate) return;
  from.hand_over_to = to.name;
  for (const auto& other : nodes_) {
    if (other->name != to.name || !other->is_up() || !chance(70)) continue;
    feed(*other, event::Granted{});  // the one above: what the target is told first
  }
  feed(from, event::Yield{});
  if (chance(20)) {
    in(ms(1, 300), [this, &from] { feed(from, event::Reclaim{}); });
  }
}

void ClusterSim::heal() {
  trace("everything is mended");
  faults_on_ = false;
  slow_ = 0;
  if (!consul_up_) consul_->restart(now_);
  consul_up_ = true;
  for (const auto& node : nodes_) {
    node->to_consul = node->from_consul = node->peers = true;
    if (!node->is_up()) start(*node, false);
  }
}

// Takes the key when it is free, renews its session, and stops writing once that has ended.
void ClusterSim::run_litefs() {
  in(ms(300, 700), [this] { run_litefs(); });
  LiteFs& node = *litefs_;
  if (faults_on_ && chance(2)) {
    node.is_up = !node.is_up;
    if (!node.is_up) {
      trace("LiteFS is killed");
      node = LiteFs{.session = "", .is_up = false, .is_primary = false};
    }
  }
  if (!node.is_up || !consul_up_) return;
  if (!node.session.empty() && !consul_->renew(node.session, now_)) {
    node.session.clear();
    node.is_primary = false;
  }
  if (node.is_primary) {
    node.is_primary = consul_->holder_session() == node.session;
    return;
  }
  if (node.session.empty()) node.session = consul_->make_session(now_);
  lease::Holder value;
  value.info = {"litefs", "http://litefs"};
  const auto taken = consul_->apply(
      {{lease::Op::Verb::kLock, lease::Op::Place::kLease, "", 0, node.session, value}}, now_);
  if (taken.verdict != lease::Verdict::kApplied) return;
  trace("LiteFS takes the lease");
  node.is_primary = true;
  for (const auto& other : nodes_) {
    if (other->is_up() && other->election->state().is_primary &&
        true_time(*other, other->election->state().right_until) > now_) {
      broken_ = fmt::format("LiteFS and {} may both write", other->name);
    }
  }
}

}  // namespace skerry::sim
