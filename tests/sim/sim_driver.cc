// The simulated drivers: what a node's actions do in the simulated world.
#include <fmt/format.h>

#include "tests/sim/cluster_sim_internal.h"

namespace skerry::sim {

using namespace std::chrono_literals;
namespace event = lease::event;
namespace action = lease::action;

static constexpr auto kWriteDeadline = 3s;
static constexpr auto kCallDeadline = 2s;
static constexpr auto kLookWait = 5s;

void ClusterSim::perform(Node& node, const lease::Action& what) {
  std::visit([&](const auto& a) { on(node, a); }, what);
}

bool ClusterSim::linked(const Node& a, const Node& b) const {
  return a.peers && b.peers;
}

void ClusterSim::call_consul(Node& node, Duration deadline, std::function<lease::Event()> serve,
                             std::function<lease::Event()> failed) {
  const auto is_open = std::make_shared<bool>(true);
  const auto finish = [this, &node, is_open, life = node.life](const lease::Event& result) {
    if (!*is_open || node.life != life) return;
    *is_open = false;
    feed(node, result);
  };
  in(deadline, [failed, finish] { finish(failed()); });
  if (!node.to_consul) return;
  // A message on its way may arrive late, and, through a retry or a proxy, twice.
  const auto arrive = [this, &node, serve, finish] {
    if (!consul_up_) return;
    const lease::Event result = serve();
    if (node.from_consul) in(latency(), [finish, result] { finish(result); });
  };
  in(latency(), arrive);
  if (faults_on_ && chance(1)) in(ms(1, 12000), arrive);
}

void ClusterSim::on(Node& node, const action::Look& look) {
  std::erase_if(looks_, [&](const WaitingLook& waiting) { return waiting.node == &node; });
  const auto life = node.life;
  in(kLookWait + 2s, [this, &node, look, life] {
    if (node.life == life) feed(node, event::LookFailed{look.look, "timed out"});
  });
  if (!node.to_consul) return;
  in(latency(), [this, &node, look, life] {
    if (!consul_up_) return;
    looks_.push_back({&node, life, look});
    answer_looks();
    in(kLookWait, [this, &node, look, life] {
      for (WaitingLook& waiting : looks_) {
        if (waiting.node == &node && waiting.life == life && waiting.look.look == look.look) {
          waiting.look.after_index = 0;
        }
      }
      answer_looks();
    });
  });
}

void ClusterSim::answer_looks() {
  if (!consul_up_) return;
  std::erase_if(looks_, [this](const WaitingLook& waiting) {
    const action::Look look = waiting.look;
    if (look.after_index != 0 && look.after_index >= consul_->index()) return false;
    if (!waiting.node->from_consul) return true;
    in(latency(), [this, node = waiting.node, life = waiting.life,
                   seen = event::Viewed{look.look, consul_->view()}] {
      if (node->life == life) feed(*node, seen);
    });
    return true;
  });
}

void ClusterSim::on(Node& node, const action::MakeSession&) {
  call_consul(
      node, kCallDeadline, [this] { return event::SessionMade{consul_->make_session(now_)}; },
      [] { return event::SessionFailed{"timed out"}; });
}

void ClusterSim::on(Node& node, const action::Renew& renew) {
  call_consul(
      node, kCallDeadline,
      [this, renew] {
        return event::Renewed{renew.session, consul_->renew(renew.session, now_)};
      },
      [renew] { return event::RenewFailed{renew.session}; });
}

void ClusterSim::on(Node& node, const action::DestroySession& destroy) {
  call_consul(
      node, kCallDeadline,
      [this, destroy] {
        consul_->destroy(destroy.session, now_);
        return event::Tick{};
      },
      [] { return event::Tick{}; });
}

void ClusterSim::on(Node& node, const action::Write& write) {
  call_consul(
      node, kWriteDeadline,
      [this, write] {
        const auto written = consul_->apply(write.ops, now_);
        return event::Wrote{write.write, written.verdict, written.index, ""};
      },
      [write] {
        return event::Wrote{write.write, lease::Verdict::kUnknown, 0, "timed out"};
      });
}

void ClusterSim::on(Node& node, const action::AskPeers& ask) {
  for (const lease::Peer& peer : ask.peers) {
    const auto give = [this, &node, life = node.life, round = ask.round,
                       peer](std::optional<lease::PeerReport> report) {
      if (node.life == life) feed(node, event::PeerAnswered{round, peer.name, report});
    };
    in(lease::kSurveyBound, [give] { give({}); });
    for (const auto& other : nodes_) {
      if (other->name != peer.name || !linked(node, *other)) continue;
      in(latency(), [this, &node, &other, give] {
        if (!other->is_up() || other->frozen || !linked(node, *other)) return;
        in(latency(), [give, report = other->election->report()] { give(report); });
      });
    }
  }
}

void ClusterSim::on(Node& node, const action::AskPromises& ask) {
  for (const lease::Peer& peer : ask.peers) {
    const auto give = [this, &node, life = node.life, round = ask.round, peer](bool promised) {
      if (node.life == life) feed(node, event::PromiseAnswered{round, peer.name, promised});
    };
    in(500ms, [give] { give(false); });
    for (const auto& other : nodes_) {
      if (other->name != peer.name || !linked(node, *other)) continue;
      in(latency(), [this, &node, &other, give, request = ask.request] {
        if (!other->is_up() || !linked(node, *other)) return;
        const uint64_t ticket = ++other->last_ticket;
        other->promise_answers[ticket] = [this, give](bool promised) {
          in(latency(), [give, promised] { give(promised); });
        };
        feed(*other, event::PromiseAsked{ticket, request});
      });
    }
  }
}

void ClusterSim::on(Node& node, const action::AnswerPromise& answer) {
  const auto found = node.promise_answers.find(answer.ticket);
  if (found == node.promise_answers.end()) return;
  found->second(answer.promised);
  node.promise_answers.erase(found);
}

void ClusterSim::on(Node& node, const action::CatchUp& catch_up) {
  in(ms(10, 800), [this, &node, life = node.life, from = catch_up.from] {
    if (node.life != life) return;
    bool ok = false;
    for (const auto& other : nodes_) {
      if (other->name != from.name || !other->is_up() || !linked(node, *other)) continue;
      node.standing = std::max(node.standing, other->standing);
      ok = true;
    }
    feed(node, event::Facts{node.standing, {}, node.cluster_id});
    feed(node, event::CaughtUp{ok});
  });
}

void ClusterSim::on(Node& node, const action::Persist& persist) {
  in(ms(1, 20), [this, &node, life = node.life, epoch = persist.epoch] {
    if (node.life != life) return;
    const bool ok = !faults_on_ || !chance(1);
    if (ok) node.persisted = std::max(node.persisted, epoch);
    feed(node, event::Persisted{epoch, ok});
  });
}

void ClusterSim::on(Node& node, const action::AdoptClusterId& adopt) {
  node.cluster_id = adopt.id;
}

// The old primary gives the indices to the successor that it chose.
void ClusterSim::on(Node& node, const action::Offer& offer) {
  trace(fmt::format("{} offers the lease to {}", node.name, node.hand_over_to));
  for (const auto& other : nodes_) {
    if (other->name != node.hand_over_to || !linked(node, *other)) continue;
    in(latency(), [this, &other, standing = node.standing, offer] {
      if (!other->is_up()) return;
      other->standing = std::max(other->standing, standing);
      feed(*other, event::Facts{other->standing, {}, other->cluster_id});
      if (chance(20)) feed(*other, event::Granted{});  // "about to come" may come late, or again
      feed(*other, event::Granted{offer.key_index, offer.record_index});
    });
  }
}

// Transactions reach whoever can reach the primary, and what they confirm gets back to it.
void ClusterSim::replicate() {
  in(50ms, [this] { replicate(); });
  for (const auto& primary : nodes_) {
    if (!primary->is_up() || primary->frozen || !primary->election->state().is_primary) continue;
    lease::Standing followers;
    for (const auto& node : nodes_) {
      if (node == primary || !node->is_up() || node->frozen || !linked(*node, *primary)) continue;
      if (node->election->state().epoch > primary->election->state().epoch) continue;
      if (node->cluster_id != primary->cluster_id || chance(30)) continue;
      node->standing = std::max(node->standing, primary->standing);
      feed(*node, event::Facts{node->standing, {}, node->cluster_id});
      if (node->candidate) followers = std::max(followers, node->standing);
    }
    feed(*primary, event::Facts{primary->standing, followers, primary->cluster_id});
  }
}

void ClusterSim::write_on_primaries() {
  in(100ms, [this] { write_on_primaries(); });
  for (const auto& node : nodes_) {
    if (!node->is_up() || node->frozen) continue;
    const lease::LeaseState& state = node->election->state();
    if (!state.is_primary || local(*node) >= state.right_until) continue;
    gap_ = std::max(gap_, now_ - last_writer_);
    last_writer_ = now_;
    node->standing.transactions += 1;
    node->standing.epoch = state.epoch;
  }
}

}  // namespace skerry::sim
