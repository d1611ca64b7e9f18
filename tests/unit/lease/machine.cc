#include "tests/unit/lease/machine.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace skerry::lease::test {

static std::string names(const std::vector<Peer>& peers) {
  std::vector<std::string> all;
  for (const Peer& peer : peers) all.push_back(peer.name);
  return fmt::format("{}", fmt::join(all, ","));
}

static std::string words(const Op& op) {
  static constexpr std::array kVerbs{
      "set",        "cas",         "lock",          "delete",
      "delete-cas", "check-index", "check-session", "check-not-exists"};
  static constexpr std::array kPlaces{"lease", "record", "clusterid", "node"};
  std::string text = fmt::format("{} {}", kVerbs[static_cast<size_t>(op.verb)],
                                 kPlaces[static_cast<size_t>(op.place)]);
  if (op.verb == Op::Verb::kCas || op.verb == Op::Verb::kDeleteCas ||
      op.verb == Op::Verb::kCheckIndex) {
    text += fmt::format("@{}", op.index);
  }
  if (!op.session.empty()) text += " " + op.session;
  return text;
}

namespace {

struct Words {
  std::string operator()(const action::Look& a) const {
    return fmt::format("look {}", a.after_index);
  }
  std::string operator()(const action::MakeSession&) const { return "make session"; }
  std::string operator()(const action::Renew& a) const { return "renew " + a.session; }
  std::string operator()(const action::DestroySession& a) const { return "destroy " + a.session; }
  std::string operator()(const action::Write& a) const {
    std::vector<std::string> ops;
    for (const Op& op : a.ops) ops.push_back(test::words(op));
    return fmt::format("write [{}]", fmt::join(ops, ", "));
  }
  std::string operator()(const action::AskPeers& a) const { return "ask " + names(a.peers); }
  std::string operator()(const action::AskPromises& a) const {
    return "ask promise of " + names(a.peers);
  }
  std::string operator()(const action::AnswerPromise& a) const {
    return a.promised ? "promise" : "no promise";
  }
  std::string operator()(const action::CatchUp& a) const { return "catch up from " + a.from.name; }
  std::string operator()(const action::Persist& a) const {
    return fmt::format("persist {}{}", a.epoch.value(), a.holder ? " as holder" : "");
  }
  std::string operator()(const action::AdoptClusterId& a) const { return "adopt " + a.id; }
  std::string operator()(const action::Offer& a) const {
    return fmt::format("offer {}/{}", a.key_index, a.record_index);
  }
};

}  // namespace

std::string words(const Action& action) {
  return std::visit(Words{}, action);
}

Seen& Seen::at(uint64_t read_index) {
  index = read_index;
  return *this;
}

Seen& Seen::held_by(const Peer& peer, NodeId node, uint64_t key_index, std::string session,
                    Epoch epoch) {
  key = Key{{{peer.name, peer.url}, true, 3s, node, epoch, 1}, std::move(session), key_index};
  index = std::max(index, key_index);
  return *this;
}

Seen& Seen::held_by_litefs(uint64_t key_index) {
  key = Key{{{"l", "http://l"}, false, 0s, NodeId(0), Epoch(0), 0}, "litefs", key_index};
  index = std::max(index, key_index);
  return *this;
}

Seen& Seen::recorded(const Peer& peer, NodeId node, uint64_t record_index,
                     std::vector<Peer> candidates) {
  Record record;
  record.name = peer.name;
  record.node = node;
  record.epoch = Epoch(5);
  record.term = 3s;
  record.candidates = std::move(candidates);
  beside = Beside{record, record_index};
  index = std::max(index, record_index);
  return *this;
}

Seen& Seen::with(const Peer& peer, NodeId node, bool candidate) {
  nodes.push_back({{peer, candidate, node, 1}, 3});
  return *this;
}

Seen& Seen::of_cluster(std::string id) {
  cluster_id = std::move(id);
  return *this;
}

Machine::Machine(Settings settings) : election(std::move(settings)) {}

std::string Machine::feed(const Event& event) {
  std::vector<std::string> all;
  for (const Action& action : election.resume(event, now)) {
    if (hidden.contains(words(action))) continue;
    if (const auto* a = std::get_if<action::Look>(&action)) look = a->look;
    if (const auto* a = std::get_if<action::Write>(&action)) write = a->write;
    if (const auto* a = std::get_if<action::AskPeers>(&action)) round = a->round;
    if (const auto* a = std::get_if<action::AskPromises>(&action)) round = a->round;
    all.push_back(words(action));
  }
  return fmt::format("{}", fmt::join(all, "; "));
}

std::string Machine::after(Duration duration, const Event& event) {
  now += duration;
  return feed(event);
}

std::string Machine::see(const View& view) {
  return feed(event::Viewed{look, view});
}

std::string Machine::wrote(Verdict verdict, uint64_t index) {
  return wrote(write, verdict, index);
}

std::string Machine::wrote(uint64_t id, Verdict verdict, uint64_t index) {
  return feed(event::Wrote{id, verdict, index, verdict == Verdict::kUnknown ? "timed out" : ""});
}

std::string Machine::run_until(Duration since_start) {
  std::string all;
  while (election.wake_at() <= start + since_start) {
    now = std::max(now, election.wake_at());
    const std::string actions = feed(event::Tick{});
    if (actions.empty()) continue;
    all += (all.empty() ? "" : "; ") + actions;
  }
  now = start + since_start;
  return all;
}

Seen after_taking_it() {
  Seen seen;
  seen.held_by(kA, kMe, 10, "s1", Epoch(0)).recorded(kA, kMe, 10, {kA, kB});
  seen.beside->record.epoch = Epoch(0);
  seen.beside->record.standing = {Epoch(3), 7};
  return seen.with(kA, kMe).with(kB, kOther).of_cluster("new");
}

Machine primary(Settings settings) {
  Machine machine(std::move(settings));
  const Seen empty = Seen{}.at(4).with(kB, kOther);
  machine.feed(event::Facts{{Epoch(3), 7}, {}, ""});
  machine.see(empty);
  machine.wrote(Verdict::kApplied, 5);  // its entry
  machine.feed(event::SessionMade{"s1"});
  machine.feed(event::PeerAnswered{machine.round, "b", {}});
  machine.run_until(3300ms);
  machine.wrote(Verdict::kApplied, 10);
  machine.see(after_taking_it());
  machine.feed(event::Persisted{Epoch(10)});
  REQUIRE(machine.state().is_primary);
  return machine;
}

}  // namespace skerry::lease::test
