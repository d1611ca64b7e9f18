// The simulated world: time, processes, and what must hold.
#include "tests/sim/cluster_sim.h"

#include <fmt/format.h>

#include "tests/sim/cluster_sim_internal.h"

namespace skerry::sim {

using namespace std::chrono_literals;
namespace event = lease::event;

static constexpr auto kFaultTime = 90s;
static constexpr auto kCalmTime = 75s;  // two session TTLs, a catch-up, and some
static constexpr auto kSettledFor = 10s;

ClusterSim::ClusterSim(uint64_t seed) : random_(seed) {
  consul_ = std::make_unique<ConsulModel>(ConsulModel::Options{10s, ms(0, 3) * 500}, random_);
  consul_->on_change([this] { answer_looks(); });
  const auto count = pick(1, 5);
  for (int64_t i = 0; i < count; ++i) {
    auto node = std::make_unique<Node>();
    node->name = fmt::format("node{}", i);
    node->rate = 1 + static_cast<double>(pick(-100, 100)) / 10000;
    node->offset = ms(0, 1'000'000);
    node->candidate = i == 0 || !chance(15);
    nodes_.push_back(std::move(node));
  }
  if (!chance(15)) return;
  litefs_ = std::make_unique<LiteFs>();  // it was there before the others
  const lease::Ops id{{lease::Op::Verb::kSet, lease::Op::Place::kClusterId, "", 0, "", "id"}};
  (void)consul_->apply(id, now_);
  for (const auto& node : nodes_) node->cluster_id = "id";
}

ClusterSim::~ClusterSim() = default;

void ClusterSim::at(Time time, std::function<void()> run) {
  queue_.push({std::max(time, now_), ++order_, std::move(run)});
}

int64_t ClusterSim::pick(int64_t from, int64_t to) {
  return std::uniform_int_distribution<int64_t>(from, to)(random_);
}

ClusterSim::Duration ClusterSim::ms(int64_t from, int64_t to) {
  return std::chrono::microseconds(pick(from * 1000, to * 1000));
}

ClusterSim::Duration ClusterSim::latency() {
  return chance(slow_) ? ms(200, 9000) : std::chrono::microseconds(pick(100, 5000));
}

void ClusterSim::trace(const std::string& line) {
  if (trace_ == nullptr) return;
  fmt::print(trace_, "{:10.3f}  {}\n",
             std::chrono::duration<double>(now_ - Time(std::chrono::hours(1))).count(), line);
}

ClusterSim::Time ClusterSim::local(const Node& node) const {
  const auto ns = static_cast<double>(now_.time_since_epoch().count());
  return Time(Duration(static_cast<int64_t>(ns * node.rate)) + node.offset);
}

ClusterSim::Time ClusterSim::true_time(const Node& node, Time local_time) const {
  if (local_time == lease::kNever) return lease::kNever;
  const auto ns = static_cast<double>((local_time - node.offset).time_since_epoch().count());
  return Time(Duration(static_cast<int64_t>(ns / node.rate)));
}

void ClusterSim::start(Node& node, bool same_boot) {
  ++node.life;
  node.id = NodeId(random_());
  node.frozen = false;
  node.inbox.clear();
  node.tenure = Epoch(0);
  lease::Settings settings;
  settings.self = {node.name, "http://" + node.name};
  settings.node = node.id;
  settings.candidate = node.candidate;
  settings.new_cluster_id = "id-of-" + node.name;
  settings.seen = node.persisted;
  if (same_boot) settings.predecessor = node.last_id;
  trace(fmt::format("{} starts as {}{}", node.name, to_string(Txid(node.id.value())),
                    same_boot ? ", on the same boot" : ""));
  node.election = std::make_unique<lease::Election>(settings);
  feed(node, event::Facts{node.standing, {}, node.cluster_id});
}

void ClusterSim::kill(Node& node) {
  trace(fmt::format("{} is killed", node.name));
  node.election.reset();
  node.last_id = node.id;
  ++node.life;
}

void ClusterSim::feed(Node& node, const lease::Event& happened) {
  if (!node.is_up()) return;
  if (node.frozen) {
    node.inbox.push_back(happened);
  } else {
    step(node, happened);
  }
}

void ClusterSim::step(Node& node, const lease::Event& happened) {
  const lease::LeaseState before = node.election->state();
  const lease::Actions actions = node.election->resume(happened, local(node));
  const lease::LeaseState& state = node.election->state();
  if (trace_ != nullptr && (before.phase != state.phase || before.reason != state.reason)) {
    trace(fmt::format("{} {} (epoch {}): {}", node.name, to_string(state.phase),
                      state.epoch.value(), state.reason));
  }
  check(node);
  for (const lease::Action& action : actions) perform(node, action);
  arm(node);
}

void ClusterSim::arm(Node& node) {
  const uint64_t alarm = ++node.alarm;
  const Time due = node.election->wake_at();
  if (due == lease::kNever) return;
  const auto ring = [this, &node, alarm, life = node.life] {
    if (node.alarm == alarm && node.life == life) feed(node, event::Tick{});
  };
  at(true_time(node, due) + 1us, ring);
}

// Called after every step of a node: rights begin and grow only there.
void ClusterSim::check(Node& node) {
  const lease::LeaseState& state = node.election->state();
  if (!state.is_primary || true_time(node, state.right_until) <= now_ || !broken_.empty()) return;
  for (const auto& other : nodes_) {
    if (other.get() == &node || !other->is_up()) continue;
    const lease::LeaseState& theirs = other->election->state();
    if (!theirs.is_primary || true_time(*other, theirs.right_until) <= now_) continue;
    broken_ = fmt::format("{} (epoch {}) and {} (epoch {}) may both write", node.name,
                          state.epoch.value(), other->name, theirs.epoch.value());
  }
  if (litefs_ && litefs_->is_primary) {
    broken_ = fmt::format("{} and LiteFS may both write", node.name);
  }
  if (node.tenure == state.epoch) return;
  node.tenure = state.epoch;
  ++tenures_;
  if (state.epoch <= highest_ && !epochs_lost_) {
    broken_ = fmt::format("{} writes under epoch {}, but there was {}", node.name,
                          state.epoch.value(), highest_.value());
  }
  if (node.persisted < state.epoch) {
    broken_ = fmt::format("{} writes under epoch {} without having it on disk", node.name,
                          state.epoch.value());
  }
  highest_ = std::max(highest_, state.epoch);
}

std::string ClusterSim::run() {
  const Time begin = now_;
  for (const auto& node : nodes_) {
    at(now_ + ms(0, 3000), [this, &node] { start(*node, false); });
  }
  if (litefs_) in(ms(0, 2000), [this] { run_litefs(); });
  replicate();
  write_on_primaries();
  in(5s, [this] { break_something(); });
  at(begin + kFaultTime, [this] { heal(); });
  // Data that were lost with a disk, or a record that somebody deleted, do not come back: an
  // operator has to say so.
  at(begin + kFaultTime + kCalmTime / 2, [this] {
    for (const auto& node : nodes_) {
      if (operator_needed_ && settled().empty()) feed(*node, event::Force{});
    }
  });
  std::string before;
  at(begin + kFaultTime + kCalmTime, [this, &before] { before = settled(); });
  const Time end = begin + kFaultTime + kCalmTime + kSettledFor;
  last_writer_ = now_;
  while (!queue_.empty() && queue_.top().at <= end && broken_.empty()) {
    auto next = queue_.top();
    queue_.pop();
    now_ = next.at;
    while (now_ >= consul_->next_expiry()) consul_->expire(now_);
    next.run();
  }
  if (!broken_.empty()) return broken_;
  if (before.empty() || before != settled()) {
    std::string all = "nobody is the primary although everything was healed";
    for (const auto& node : nodes_) {
      all += fmt::format("\n  {} {}: {}", node->name, to_string(node->election->state().phase),
                         node->election->state().reason);
    }
    return all;
  }
  return "";
}

// Who the primary is, if everybody agrees; empty otherwise.
std::string ClusterSim::settled() const {
  if (litefs_ && litefs_->is_primary) return "LiteFS";
  const Node* primary = nullptr;
  for (const auto& node : nodes_) {
    if (node->election->state().is_primary) primary = node.get();
  }
  if (primary == nullptr) return "";
  for (const auto& node : nodes_) {
    const auto& seen = node->election->state().primary;
    if (!seen || seen->hostname != primary->name) return "";
  }
  return fmt::format("{} {}", primary->name, primary->election->state().epoch.value());
}

}  // namespace skerry::sim
