// The election of the node that holds the lease.
#include <doctest/doctest.h>

#include "tests/unit/lease/machine.h"

namespace skerry::lease::test {
namespace {

const std::string kTouch = "write [check-session lease s1, lock lease s1, check-index record@11]";

// The touch that puts the epoch beside the key was applied: the record is at 11.
Machine settled_primary(Settings settings = {.self = kA, .node = kMe, .new_cluster_id = "new"}) {
  Machine machine = primary(std::move(settings));
  machine.wrote(Verdict::kApplied, 11);
  Seen seen = after_taking_it();
  seen.held_by(kA, kMe, 11, "s1", Epoch(10)).recorded(kA, kMe, 11, {kA, kB});
  seen.beside->record.epoch = Epoch(10);
  machine.see(seen);
  return machine;
}

std::string answer_touches(Machine& machine, Duration until, uint64_t& index) {
  std::string others;
  while (machine.election.wake_at() <= machine.start + until) {
    const std::string actions = machine.run_until(machine.election.wake_at() - machine.start);
    if (actions == kTouch) {
      machine.wrote(Verdict::kApplied, ++index);
    } else {
      others += actions;
      if (actions == "renew s1") machine.feed(event::Renewed{"s1", true});
    }
  }
  machine.now = machine.start + until;
  return others;
}

TEST_CASE("the holder touches every second; its right reaches from the sending of the last touch") {
  Machine machine = settled_primary();
  uint64_t index = 11;
  answer_touches(machine, 60s, index);
  CHECK(index >= 11 + 55);
  CHECK(machine.state().is_primary);
  CHECK(machine.right() > 60s + 1600ms);
  CHECK(machine.right() <= 60s + 2700ms);
  CHECK(machine.state().epoch == Epoch(10));
}

TEST_CASE("without an answer the right ends by the clock, and comes back with one") {
  Settings settings{.self = kA, .node = kMe, .failsafe = false, .new_cluster_id = "new"};
  Machine machine = settled_primary(settings);
  const Duration end = machine.right();
  CHECK(end == 3300ms + 2700ms);
  const std::string first = machine.run_until(end - 1ms);
  CHECK(first.find(kTouch) != std::string::npos);
  const uint64_t touch = machine.write;
  CHECK(machine.state().is_primary);
  machine.run_until(end);
  CHECK_FALSE(machine.state().is_primary);
  CHECK(machine.state().phase == Phase::kLapsed);
  CHECK(machine.state().primary == std::nullopt);
  machine.wrote(touch, Verdict::kApplied, 12);  // nobody took it meanwhile
  CHECK(machine.state().is_primary);
  CHECK(machine.state().epoch == Epoch(10));
}

TEST_CASE("a touch that was refused asks Consul who holds the lease") {
  struct Case {
    const char* what;
    void (*change)(Seen&);
    bool keeps;
    const char* action;
  };
  const Case cases[] = {
      {"another node took it",
       [](Seen& seen) {
         seen.held_by(kB, kOther, 30, "s2", Epoch(30)).recorded(kB, kOther, 30, {kA, kB});
       },
       false, ""},
      {"LiteFS took it", [](Seen& seen) { seen.held_by_litefs(30); }, false, ""},
      {"the key was deleted by hand", [](Seen& seen) { seen.key.reset(); }, true,
       "write [check-not-exists lease, cas record@11, lock lease s1]"},
      {"the record was deleted by hand", [](Seen& seen) { seen.beside.reset(); }, true,
       "write [delete-cas lease@20, cas record@0, lock lease s1]"},
      {"both were", [](Seen& seen) { seen.key.reset(), seen.beside.reset(); }, true,
       "write [check-not-exists lease, cas record@0, lock lease s1]"},
      {"the list was changed in a touch without an answer",
       [](Seen& seen) { seen.beside->index = 15; }, true,
       "write [check-session lease s1, lock lease s1, check-index record@15]"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.what));
    Machine machine = settled_primary();
    machine.run_until(4300ms);
    CHECK(machine.wrote(Verdict::kRefused) == "look 0");
    CHECK(machine.state().is_primary);  // within its right nobody else can be
    Seen seen = after_taking_it();
    seen.held_by(kA, kMe, 20, "s1", Epoch(10)).recorded(kA, kMe, 11, {kA, kB});
    seen.beside->record.epoch = Epoch(10);
    seen.beside->record.standing = {Epoch(3), 7};
    c.change(seen);
    const std::string actions = machine.see(seen.at(40));
    CHECK(machine.state().is_primary == c.keeps);
    if (!c.keeps) {
      CHECK(machine.state().phase == Phase::kFollowing);
      CHECK(actions.find("destroy s1") != std::string::npos);
      continue;
    }
    CHECK(actions.find(c.action) != std::string::npos);
    machine.wrote(Verdict::kApplied, 41);
    CHECK(machine.state().is_primary);
    CHECK(machine.state().epoch == Epoch(10));
    CHECK(machine.right() == 4300ms + 2700ms);
  }
}

TEST_CASE("keys that vanished after the right had run out may have been somebody else's") {
  Machine machine = settled_primary({.self = kA, .node = kMe, .failsafe = false});
  machine.run_until(10s);
  machine.wrote(Verdict::kRefused);
  machine.see(Seen{}.at(40).with(kA, kMe));
  CHECK(machine.state().phase != Phase::kPrimary);
  CHECK(machine.state().reason.find("deleted from Consul") != std::string::npos);
}

TEST_CASE("a session that has ended is replaced under the same epoch") {
  Machine machine = settled_primary();
  machine.run_until(4300ms);
  CHECK(machine.wrote(Verdict::kNoSession) == "make session");
  CHECK(machine.feed(event::SessionMade{"s9"}) == "look 0");
  Seen seen = after_taking_it();
  seen.recorded(kA, kMe, 11, {kA, kB});
  seen.beside->record.epoch = Epoch(10);
  seen.key.reset();
  CHECK(machine.see(seen.at(40)).find("look 40") != std::string::npos);
  machine.run_until(5300ms);
  CHECK(machine.wrote(Verdict::kDelayed) == "");  // the lock-delay of the session that ended
  CHECK(machine.run_until(5550ms) ==
        "ask promise of b; write [check-not-exists lease, cas record@11, lock lease s9]");
  machine.wrote(Verdict::kApplied, 50);
  CHECK(machine.state().is_primary);
  CHECK(machine.state().epoch == Epoch(10));
}

TEST_CASE("while Consul is silent the right goes on if every candidate promises to wait") {
  Machine machine = settled_primary();
  // 1.2 s after the last touch that succeeded.
  CHECK(machine.run_until(4500ms).find("ask promise of b") != std::string::npos);
  machine.now += 10ms;
  machine.feed(event::PromiseAnswered{machine.round, "b", true});
  CHECK(machine.right() == 4500ms + 2700ms);
  CHECK(machine.state().is_primary);
  for (int i = 0; i < 200; ++i) {
    const std::string actions = machine.run_until(4500ms + i * 250ms);
    if (actions.find("ask promise") == std::string::npos) continue;
    machine.feed(event::PromiseAnswered{machine.round, "b", true});
  }
  CHECK(machine.state().is_primary);
  CHECK(machine.state().reason.find("promised") != std::string::npos);
  // b is not reached any more.
  const Duration end = machine.right();
  machine.run_until(end - 1ms);
  machine.feed(event::PromiseAnswered{machine.round, "b", false});
  CHECK(machine.state().is_primary);
  // Nobody is to wait for it now.
  CHECK(machine.run_until(end).find("ask promise of b") != std::string::npos);
  CHECK(machine.run_until(end + 20s).find("ask promise") == std::string::npos);
  CHECK(machine.state().phase == Phase::kLapsed);
  CHECK(machine.state().reason.find("candidate b did not promise") != std::string::npos);
}

TEST_CASE("a promise counts from when it was asked for, and only if it answers the last asking") {
  Machine machine = settled_primary();
  machine.run_until(4500ms);
  const uint64_t first = machine.round;
  machine.run_until(5600ms);
  REQUIRE(machine.round != first);
  const Duration end = machine.right();
  machine.feed(event::PromiseAnswered{first, "b", true});
  CHECK(machine.right() == end);
  machine.feed(event::PromiseAnswered{machine.round, "b", true});
  CHECK(machine.right() == 5500ms + 2700ms);
}

TEST_CASE("a touch that was refused leaves nothing to promise about") {
  Machine machine = settled_primary();
  machine.run_until(4400ms);
  machine.wrote(Verdict::kRefused);
  CHECK(machine.run_until(9s).find("ask promise") == std::string::npos);
}

TEST_CASE("a candidate that came up is listed, and asked from the moment that it may be listed") {
  Machine machine = settled_primary();
  const Peer c{"c", "http://c"};
  Seen seen = after_taking_it();
  seen.held_by(kA, kMe, 11, "s1", Epoch(10)).recorded(kA, kMe, 11, {kA, kB});
  seen.beside->record.epoch = Epoch(10);
  machine.see(seen.with(c, NodeId(3)).at(12));
  CHECK(machine.run_until(4300ms) ==
        "write [check-session lease s1, lock lease s1, cas record@11]");
  CHECK(machine.run_until(4500ms).find("ask promise of b,c") != std::string::npos);
}

TEST_CASE("where LiteFS may want the key, the right does not outlive the session") {
  Machine machine({.self = kA, .node = kMe});
  machine.feed(event::Facts{{Epoch(3), 7}, {}, "c"});
  Seen before = Seen{}.at(4).with(kB, kOther).of_cluster("c");  // and no record: LiteFS's
  machine.see(before);
  machine.wrote(Verdict::kApplied, 5);
  machine.feed(event::SessionMade{"s1"});
  machine.feed(event::PeerAnswered{machine.round, "b", {}});
  machine.run_until(3300ms);
  machine.wrote(Verdict::kApplied, 10);
  machine.feed(event::Persisted{Epoch(10)});
  REQUIRE(machine.state().is_primary);
  for (int i = 0; i < 100; ++i) {
    if (machine.run_until(3300ms + i * 100ms).find("ask promise") == std::string::npos) continue;
    machine.feed(event::PromiseAnswered{machine.round, "b", true});
  }
  CHECK(machine.right() == 9s);  // the session was made at 0 s, and lasts for 10 s at least
  CHECK(machine.state().phase == Phase::kLapsed);
}

TEST_CASE("who hears that a grant is about to come has a session ready, and takes nothing") {
  Machine successor({.self = kB, .node = kOther});
  successor.feed(event::Facts{{Epoch(3), 7}, {}, "new"});
  successor.see(after_taking_it().at(12));
  CHECK(successor.feed(event::Granted{}) == "look 0; make session");
  CHECK(successor.feed(event::SessionMade{"s2"}) == "");
  // Such a look waited for nothing: the next one, which does, is not put off.
  const std::string next = successor.see(after_taking_it().at(12));
  CHECK(next == "look 12");
  CHECK(successor.state().phase == Phase::kFollowing);
  // That one came back in vain, so that the next has to wait.
  CHECK(successor.see(after_taking_it().at(12)) == "");
  CHECK(successor.after(kRetryAfter) == "look 12");
}

TEST_CASE("a promise does not keep the lease from whom it is granted to") {
  Machine successor({.self = kB, .node = kOther});
  successor.feed(event::Facts{{Epoch(3), 7}, {}, "new"});
  successor.see(after_taking_it());
  const std::string promise =
      successor.feed(event::PromiseAsked{1, {kA, kMe, Epoch(10), 1, 3300ms}});
  CHECK(promise.find("promise") != std::string::npos);
  successor.feed(event::Granted{11, 11});
  successor.feed(event::SessionMade{"s2"});
  Seen seen = after_taking_it();
  seen.held_by(kA, kMe, 11, "s1", Epoch(10)).recorded(kA, kMe, 11, {kA, kB}).at(12);
  CHECK(successor.see(seen).find("lock lease s2") != std::string::npos);
}

TEST_CASE("a planned change: the right ends first, the successor takes what was offered") {
  Machine machine = settled_primary();
  machine.run_until(4s);
  CHECK(machine.feed(event::Yield{}) == "look 0");
  CHECK_FALSE(machine.state().is_primary);
  CHECK(machine.state().phase == Phase::kYielded);
  CHECK(machine.right() == 4s);
  Seen seen = after_taking_it();
  seen.held_by(kA, kMe, 11, "s1", Epoch(10)).recorded(kA, kMe, 11, {kA, kB}).at(12);
  CHECK(machine.see(seen).find("offer 11/11") != std::string::npos);
  CHECK(machine.run_until(7s).find("lock lease") == std::string::npos);

  Machine successor({.self = kB, .node = kOther});
  successor.feed(event::Facts{{Epoch(3), 7}, {}, "new"});
  successor.see(after_taking_it());
  CHECK(successor.state().phase == Phase::kFollowing);
  CHECK(successor.feed(event::Granted{11, 11}) == "look 0; make session");
  CHECK(successor.feed(event::SessionMade{"s2"}) == "");
  const std::string takes = successor.see(seen);
  CHECK(takes.find("write [delete-cas lease@11, cas record@11, lock lease s2]") !=
        std::string::npos);

  SUBCASE("it does") {
    seen.held_by(kB, kOther, 20, "s2", Epoch(20)).recorded(kB, kOther, 20, {kA, kB});
    machine.see(seen.at(20));
    CHECK(machine.state().phase == Phase::kFollowing);
    CHECK(machine.state().primary == PrimaryInfo{"b", "http://b"});
  }
  SUBCASE("it does not, in time") {
    machine.run_until(9s);
    CHECK(machine.run_until(9s + 1ms) == "");
    machine.wrote(Verdict::kApplied, 21);
    CHECK(machine.state().is_primary);
    CHECK(machine.right() == 9s + 2700ms);
    CHECK(machine.state().epoch == Epoch(10));
  }
  SUBCASE("it is called off") {
    CHECK(machine.feed(event::Reclaim{}) == kTouch);
    machine.wrote(Verdict::kApplied, 21);
    CHECK(machine.state().is_primary);
  }
}

TEST_CASE("the end in order: the key goes, the record is closed, the session goes") {
  Machine machine = settled_primary();
  machine.run_until(4s);
  CHECK(machine.feed(event::Release{}) ==
        "write [delete node, check-session lease s1, delete lease, cas record@11]");
  CHECK_FALSE(machine.state().is_primary);
  CHECK(machine.wrote(Verdict::kApplied, 30) == "destroy s1");
  CHECK(machine.state().phase == Phase::kReleased);
  CHECK(machine.feed(event::Tick{}) == "");

  Machine follower;
  follower.feed(event::Facts{});
  follower.see(after_taking_it());
  CHECK(follower.feed(event::Release{}) == "write [delete node]");
  CHECK(follower.wrote(Verdict::kApplied, 30) == "");
  CHECK(follower.state().phase == Phase::kReleased);
}

TEST_CASE("an epoch that cannot be kept on disk is not written under") {
  Machine machine = settled_primary();
  Machine other({.self = kB, .node = kOther});
  other.feed(event::Facts{{Epoch(3), 7}, {}, "new"});
  Seen seen = after_taking_it();
  seen.key.reset();
  seen.beside->record.closed = true;
  other.see(seen);
  other.feed(event::SessionMade{"s2"});
  other.feed(event::PeerAnswered{other.round, "a", {}});
  other.wrote(Verdict::kApplied, 30);
  CHECK(other.feed(event::Persisted{Epoch(30), false}).find("destroy s2") != std::string::npos);
  CHECK_FALSE(other.state().is_primary);
  CHECK(other.state().reason.find("disk") != std::string::npos);
}

}  // namespace
}  // namespace skerry::lease::test
