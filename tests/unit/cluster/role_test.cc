#include "daemon/cluster/role.h"

#include <doctest/doctest.h>

namespace skerry::cluster {
namespace {

using namespace std::chrono_literals;

lease::Time now{};

lease::LeaseState primary(lease::Duration until) {
  lease::LeaseState state;
  state.is_primary = true;
  state.epoch = Epoch(9);
  state.primary = lease::PrimaryInfo{"me", "http://me"};
  state.right_until = lease::Time(until);
  state.phase = lease::Phase::kPrimary;
  return state;
}

lease::LeaseState replica_of(const std::string& name) {
  lease::LeaseState state;
  state.epoch = Epoch(12);
  if (!name.empty()) state.primary = lease::PrimaryInfo{name, "http://" + name};
  state.phase = lease::Phase::kFollowing;
  return state;
}

TEST_CASE("the right to write ends by the clock, whoever sleeps") {
  now = lease::Time(10s);
  Role role([] { return now; });
  CHECK_FALSE(role.is_primary());
  role.set(primary(12s));
  CHECK(role.is_primary());
  CHECK(role.epoch() == Epoch(9));
  now = lease::Time(12s);
  CHECK_FALSE(role.is_primary());
  role.set(primary(14s));
  CHECK(role.is_primary());
  role.set(replica_of("b"));
  CHECK_FALSE(role.is_primary());
  CHECK(role.epoch() == Epoch(12));
}

TEST_CASE("a right that is only prolonged is nobody's news") {
  now = lease::Time(0s);
  Role role([] { return now; });
  int told = 0;
  role.observe([&](const lease::LeaseState&) { ++told; });
  role.set(primary(1s));
  role.set(primary(2s));
  role.set(primary(3s));
  CHECK(told == 1);
  now = lease::Time(2500ms);
  CHECK(role.is_primary());
  role.set(replica_of("b"));
  CHECK(told == 2);
}

TEST_CASE("the last primary that was known is remembered, but never this node itself") {
  now = lease::Time(0s);
  Role role([] { return now; });
  CHECK_FALSE(role.last_primary());
  role.set(replica_of("b"));
  role.set(replica_of(""));
  REQUIRE(role.last_primary());
  CHECK(role.last_primary()->hostname == "b");
  role.set(primary(1s));
  role.set(replica_of(""));
  CHECK_FALSE(role.last_primary());
}

TEST_CASE("while the role is handed over, applications still see the primary; nobody writes") {
  now = lease::Time(0s);
  Role role([] { return now; });
  role.set(primary(1s));
  CHECK(role.shows_primary());
  lease::LeaseState yielded = primary(0s);
  yielded.is_primary = false;
  yielded.phase = lease::Phase::kYielded;
  role.set(yielded);
  CHECK(role.shows_primary());
  CHECK_FALSE(role.is_primary());
  role.set(replica_of("b"));
  CHECK_FALSE(role.shows_primary());
}

}  // namespace
}  // namespace skerry::cluster
