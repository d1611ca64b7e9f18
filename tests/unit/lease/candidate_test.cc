// The election of a node that holds nothing.
#include <doctest/doctest.h>

#include "tests/unit/lease/machine.h"

namespace skerry::lease::test {
namespace {

const Standing kSome{Epoch(5), 40};
const event::Facts kFacts{kSome, {}, "c"};
const std::string kTakesIt =
    "write [check-not-exists lease, cas record@0, lock lease s1, cas clusterid@0]";

Seen held() {
  return Seen{}
      .held_by(kB, kOther, 20, "s2")
      .recorded(kB, kOther, 18, {kA, kB})
      .with(kA, kMe)
      .with(kB, kOther)
      .of_cluster("c");
}

TEST_CASE("the first node of a cluster waits a term, asks the others, and takes the lease") {
  Machine machine;
  machine.hidden.clear();
  CHECK(machine.feed(event::Facts{}) == "look 0");
  CHECK(machine.state().phase == Phase::kLooking);
  CHECK(machine.see(Seen{}.at(4).with(kB, kOther)) ==
        "look 4; write [set node]; make session; ask b");
  CHECK(machine.state().phase == Phase::kSurveying);
  CHECK(machine.wrote(Verdict::kApplied, 5) == "");
  CHECK(machine.feed(event::SessionMade{"s1"}) == "");
  CHECK(machine.feed(event::PeerAnswered{machine.round, "b", PeerReport{}}) == "");
  CHECK(machine.state().phase == Phase::kWaiting);
  CHECK(machine.run_until(3299ms) == "ask b");  // what it knows of b is old by then
  CHECK(machine.run_until(3300ms) == kTakesIt);
  CHECK(machine.state().phase == Phase::kStanding);
  machine.now += 100ms;
  // Its right counts from when the transaction was sent; it begins with the epoch on disk.
  CHECK(machine.wrote(Verdict::kApplied, 10) ==
        "persist 10 as holder; adopt new; look 0; renew s1; write [check-session lease s1, lock "
        "lease s1, "
        "cas record@10]");
  CHECK_FALSE(machine.state().is_primary);
  machine.feed(event::Persisted{Epoch(10)});
  CHECK(machine.state().is_primary);
  CHECK(machine.state().epoch == Epoch(10));
  CHECK(machine.right() == 3300ms + 2700ms);
}

TEST_CASE("a holder that goes on touching is followed; one that is silent is replaced") {
  Machine machine;
  machine.feed(kFacts);
  Seen seen = held();
  CHECK(machine.see(seen) == "persist 5; look 20");
  CHECK(machine.state().phase == Phase::kFollowing);
  CHECK(machine.state().primary == PrimaryInfo{"b", "http://b"});
  CHECK(machine.state().epoch == Epoch(5));
  machine.now += 1s;
  CHECK(machine.see(seen.held_by(kB, kOther, 21, "s2")) == "look 21");
  // Silence: preparations after half of it, the lease after all of it.
  CHECK(machine.run_until(2649ms) == "");
  CHECK(machine.run_until(2650ms) == "make session; ask b");
  machine.feed(event::SessionMade{"s1"});
  machine.run_until(3650ms);  // b is asked in vain
  CHECK(machine.state().phase == Phase::kWaiting);
  CHECK(machine.run_until(4299ms) == "");
  CHECK(machine.run_until(4300ms) == "write [delete-cas lease@21, cas record@18, lock lease s1]");
  // It was touched at the last moment: nothing was taken.
  CHECK(machine.wrote(Verdict::kRefused) == "look 0");
  CHECK(machine.see(seen.held_by(kB, kOther, 22, "s2")) == "look 22; destroy s1");
  CHECK(machine.state().phase == Phase::kFollowing);
}

TEST_CASE("a holder that does not fence itself keeps the lease as long as Consul gives it to it") {
  Machine machine;
  machine.feed(kFacts);
  CHECK(machine.see(Seen{}.held_by_litefs(9).with(kA, kMe).of_cluster("c")) == "look 9");
  CHECK(machine.run_until(120s) == "");
  CHECK(machine.state().phase == Phase::kFollowing);
  CHECK(machine.state().reason.find("LiteFS") != std::string::npos);
  // Its session has ended: it may still be writing for a while.
  CHECK(machine.see(Seen{}.at(30).with(kA, kMe).of_cluster("c")) == "look 30; make session");
  machine.feed(event::SessionMade{"s1"});
  CHECK(machine.run_until(120s + 3299ms) == "");
  CHECK(machine.run_until(120s + 3300ms) ==
        "write [check-not-exists lease, cas record@0, lock lease s1]");
}

TEST_CASE("what makes waiting needless") {
  struct Case {
    const char* what;
    std::optional<NodeId> predecessor;
    Seen seen;
    const char* actions;
  };
  Seen closed = held();
  closed.key.reset();
  closed.beside->record.closed = true;
  Seen mine = held().held_by(kA, NodeId(77), 20, "s0").recorded(kA, NodeId(77), 18, {kA, kB});
  Seen expired = mine;
  expired.key.reset();
  const Case cases[] = {
      {"the last primary ended in order", {}, closed, "look 20; make session; ask b"},
      {"the holder was a process of this folder that is dead", NodeId(77), mine,
       "persist 5; look 20; make session"},
      {"... whose session has expired", NodeId(77), expired, "look 20; make session"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    Machine machine({.self = kA, .node = kMe, .terms = {}, .predecessor = c.predecessor});
    machine.feed(kFacts);
    CHECK(machine.see(c.seen) == std::string(c.actions));
    machine.feed(event::PeerAnswered{machine.round, "b", PeerReport{}});
    const std::string takes = machine.feed(event::SessionMade{"s1"});
    CHECK(takes.starts_with("write ["));
    CHECK(takes.find("lock lease s1") != std::string::npos);
  }
}

TEST_CASE("a holder of the same name that may be alive is not taken for this node") {
  Machine machine({.self = kA, .node = kMe, .predecessor = NodeId(76)});
  machine.feed(kFacts);
  machine.see(held().held_by(kA, NodeId(77), 20, "s0").recorded(kA, NodeId(77), 18, {kA, kB}));
  CHECK(machine.state().phase == Phase::kFollowing);
}

TEST_CASE("who may not stand, and why") {
  struct Case {
    const char* reason;
    Settings settings;
    event::Facts facts;
    void (*change)(Seen&);
  };
  const Settings plain{.self = kA, .node = kMe};
  const Case cases[] = {
      {"not a candidate", {.self = kA, .node = kMe, .candidate = false}, kFacts, [](Seen&) {}},
      {"belong to cluster other", plain, {kSome, {}, "other"}, [](Seen&) {}},
      {"was never part of it",
       plain,
       {kSome, {}, ""},
       [](Seen& seen) { seen.beside->record.standing = kSome; }},
      {"not among the candidates", plain, kFacts,
       [](Seen& seen) { seen.beside->record.candidates = {kB}; }},
      {"behind the cluster's (epoch 5, 41 transactions)", plain, kFacts,
       [](Seen& seen) {
         seen.beside->record.progress = {Epoch(5), 41};
       }},
      {"behind the cluster's (epoch 6, 1 transactions)", plain, kFacts,
       [](Seen& seen) {
         seen.beside->record.progress = {Epoch(6), 1};
       }},
      {"behind the cluster's (epoch 5, 9 transactions)",
       plain,
       {{}, {}, "c"},
       [](Seen& seen) {
         seen.beside->record.standing = {Epoch(5), 9};
       }},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.reason));
    Machine machine(c.settings);
    machine.feed(c.facts);
    Seen seen = held();
    seen.key.reset();  // nobody holds it
    c.change(seen);
    machine.see(seen);
    machine.feed(event::SessionMade{"s1"});
    CHECK(machine.run_until(20s).find("lock lease") == std::string::npos);
    CHECK(machine.state().phase == Phase::kWaiting);
    CHECK(machine.state().reason.find(c.reason) != std::string::npos);
    // An operator may insist, but not on what another cluster holds, nor without candidature.
    const bool is_forcible = c.settings.candidate && c.facts.cluster_id != "other";
    std::string forced = machine.feed(event::Force{});
    forced += machine.run_until(25s);
    CHECK((forced.find("lock lease s1") != std::string::npos) == is_forcible);
  }
}

TEST_CASE("a candidate gets what a peer has before it stands") {
  Machine machine;
  machine.feed(kFacts);
  Seen seen = held();
  seen.key.reset();
  machine.see(seen);
  machine.feed(event::SessionMade{"s1"});
  const PeerReport ahead{kB, kOther, true, false, Epoch(5), {Epoch(5), 42}};
  CHECK(machine.feed(event::PeerAnswered{machine.round, "b", ahead}) == "catch up from b");
  CHECK(machine.state().phase == Phase::kCatchingUp);
  CHECK(machine.run_until(5s) == "");
  machine.feed(event::Facts{{Epoch(5), 42}, {}, "c"});
  CHECK(machine.feed(event::CaughtUp{true}) == "ask b");
  CHECK(machine.feed(event::PeerAnswered{machine.round, "b", ahead}) ==
        "write [check-not-exists lease, cas record@18, lock lease s1]");
}

TEST_CASE("an epoch is above all that were seen, also when Consul has lost its data") {
  Machine machine({.self = kA, .node = kMe, .new_cluster_id = "new", .seen = Epoch(900)});
  machine.feed(kFacts);
  machine.see(Seen{}.at(4));
  machine.wrote(Verdict::kApplied, 5);
  machine.feed(event::SessionMade{"s1"});
  machine.run_until(3300ms);
  machine.wrote(Verdict::kApplied, 6);
  machine.feed(event::Persisted{Epoch(902)});
  CHECK(machine.state().is_primary);
  CHECK(machine.state().epoch == Epoch(902));
}

TEST_CASE("a promise is given once, kept, and not given by whoever stands or knows better") {
  const auto ask = [](Epoch epoch) {
    return event::PromiseAsked{1, {kB, kOther, epoch, 7, 3300ms}};
  };
  Machine machine;
  machine.feed(kFacts);
  machine.see(held());
  CHECK(machine.feed(ask(Epoch(4))) == "no promise");  // an older primary
  machine.run_until(3s);
  machine.feed(event::SessionMade{"s1"});
  CHECK(machine.feed(ask(Epoch(5))) == "promise");
  CHECK(machine.run_until(6299ms).find("write") == std::string::npos);
  machine.feed(event::PeerAnswered{machine.round, "b", {}});
  CHECK(machine.state().reason ==
        "this node promised b not to stand while Consul is out of its reach");
  CHECK(machine.run_until(6300ms).find("lock lease s1") != std::string::npos);
  CHECK(machine.feed(ask(Epoch(5))) == "no promise");  // it stands

  Machine bystander({.self = kA, .node = kMe, .candidate = false});
  bystander.feed(kFacts);
  bystander.see(held());
  CHECK(bystander.feed(ask(Epoch(5))) == "no promise");  // nobody would ask it
}

TEST_CASE("a promise that is given back holds nobody up, unless a later one was given") {
  for (const bool is_last : {true, false}) {
    CAPTURE(is_last);
    Machine machine;
    machine.feed(kFacts);
    machine.see(held());
    machine.run_until(3s);
    machine.feed(event::SessionMade{"s1"});
    machine.feed(event::PeerAnswered{machine.round, "b", {}});
    for (const uint64_t round : {7u, 8u}) {
      machine.feed(event::PromiseAsked{1, {kB, kOther, Epoch(5), round, 3300ms}});
    }
    const uint64_t back = is_last ? 8 : 7;
    machine.feed(event::PromiseAsked{1, {kB, kOther, Epoch(5), back, 0ms}});
    CHECK((machine.run_until(3300ms).find("lock lease s1") != std::string::npos) == is_last);
  }
}

TEST_CASE("a transaction without an answer is looked for, and taken over if it was applied") {
  Machine machine;
  machine.feed(kFacts);
  Seen seen = held();
  seen.key.reset();
  machine.see(seen);
  machine.feed(event::SessionMade{"s1"});
  machine.feed(event::PeerAnswered{machine.round, "b", {}});
  machine.run_until(3300ms);
  CHECK(machine.wrote(Verdict::kUnknown) == "look 0");
  // It was. The right does not count from then, but from a transaction with an answer.
  seen.held_by(kA, kMe, 30, "s1", Epoch(0)).recorded(kA, kMe, 30, {kA, kB});
  CHECK(machine.see(seen).starts_with("persist 30; look 30"));
  CHECK_FALSE(machine.state().is_primary);
  CHECK(machine.run_until(3600ms) == "write [delete-cas lease@30, cas record@30, lock lease s1]");
}

TEST_CASE("two nodes of one name: the one that finds its entry overwritten does not stand") {
  Machine machine;
  machine.hidden.clear();
  machine.feed(kFacts);
  Seen seen = held();
  seen.key.reset();
  for (int i = 0; i < 3; ++i) {
    seen.nodes.clear();
    CHECK(machine.see(seen.with(kA, NodeId(50)).at(40 + static_cast<uint64_t>(i) * 10))
              .find("write [set node]") != std::string::npos);
    machine.wrote(Verdict::kApplied, 41 + static_cast<uint64_t>(i) * 10);
    machine.now += 1s;
    seen.nodes.clear();
    machine.see(seen.with(kA, kMe).at(42 + static_cast<uint64_t>(i) * 10));
  }
  CHECK(machine.state().phase == Phase::kWaiting);
  CHECK(machine.state().reason.find("another node calls itself a") != std::string::npos);
}

}  // namespace
}  // namespace skerry::lease::test
