#include "proxy/route.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <initializer_list>
#include <set>
#include <vector>

namespace skerry::proxy {
namespace {

// Every combination of facts there is.
void for_all(const std::function<void(const Facts&)>& check) {
  Facts f;
  for (const bool passthrough : {false, true})
    for (const Kind kind : {Kind::kRead, Kind::kPrimaryRead, Kind::kWrite, Kind::kWroteHere})
      for (const Role role :
           {Role::kStarting, Role::kPrimary, Role::kHandingOver, Role::kReplica, Role::kOrphan})
        for (const Consistency consistency : {Consistency::kSession, Consistency::kAny,
                                              Consistency::kWithinBound, Consistency::kTooOld})
          for (const Standing token :
               {Standing::kNone, Standing::kReached, Standing::kAppearing, Standing::kBehind,
                Standing::kLost})
            for (const OnTimeout policy :
                 {OnTimeout::kForward, OnTimeout::kStale, OnTimeout::kFail})
              for (unsigned bits = 0; bits < 16; ++bits) {
                f = {passthrough,
                     kind,
                     role,
                     consistency,
                     token,
                     policy,
                     (bits & 1) != 0,
                     (bits & 2) != 0,
                     (bits & 4) != 0,
                     (bits & 8) != 0};
                check(f);
              }
}

bool may_write(const Facts& f) {
  return f.role == Role::kPrimary;
}

// The table of ROUTING.md, row by row from the top; the first that fits decides.
struct Row {
  const char* what;
  std::function<bool(const Facts&)> fits;
  Action action;
  Reason reason;
};

const std::vector<Row>& table() {
  using F = const Facts&;
  const auto read = [](F f) { return f.kind == Kind::kRead; };
  const auto on_primary = [](F f) { return may_write(f) || f.role == Role::kHandingOver; };
  const auto session = [](F f) {
    return f.kind == Kind::kRead && f.consistency == Consistency::kSession;
  };
  const auto at_primary = [=](F f) {
    const bool here = may_write(f) || (f.role == Role::kHandingOver && read(f));
    return here && f.consistency == Consistency::kSession && f.token == Standing::kAppearing;
  };
  const auto late_there = [=](F f) {
    return at_primary(f) && (read(f) || f.kind == Kind::kPrimaryRead);
  };
  const auto late = [=](F f) { return session(f) && f.waited_out; };
  const auto too_old = [=](F f) { return read(f) && f.consistency == Consistency::kTooOld; };
  const auto wants = [](Kind kind) { return [=](F f) { return f.kind == kind; }; };
  std::vector<Row> rows = {
      {"1", [](F f) { return f.passthrough; }, Action::kLocal, Reason::kPassthrough},
      {"2", [](F f) { return f.role == Role::kStarting && f.held_out; }, Action::kRefuse,
       Reason::kStarting},
      {"3", [](F f) { return f.role == Role::kStarting; }, Action::kHold, Reason::kStarting},
      {"4", [=](F f) { return at_primary(f) && !f.waited_out; }, Action::kWait, Reason::kAppearing},
      {"5", [=](F f) { return late_there(f) && f.on_timeout == OnTimeout::kFail; }, Action::kRefuse,
       Reason::kWaitedOut},
      {"6", late_there, Action::kLocal, Reason::kStaleByPolicy},
      {"7", [=](F f) { return read(f) && on_primary(f); }, Action::kLocal, Reason::kPrimaryReads},
      {"8", [=](F f) { return read(f) && f.consistency == Consistency::kAny; }, Action::kLocal,
       Reason::kAnyVersion},
      {"9", [=](F f) { return read(f) && f.consistency == Consistency::kWithinBound; },
       Action::kLocal, Reason::kWithinBound},
      {"10", [=](F f) { return session(f) && f.token == Standing::kNone; }, Action::kLocal,
       Reason::kRead},
      {"11", [=](F f) { return session(f) && f.token == Standing::kReached; }, Action::kLocal,
       Reason::kFresh},
      {"12", [=](F f) { return session(f) && f.token == Standing::kLost; }, Action::kLocal,
       Reason::kLostBranch},
      {"13",
       [=](F f) { return session(f) && f.token == Standing::kAppearing && !f.waited_out; },
       Action::kWait, Reason::kAppearing},
      {"14", [=](F f) { return session(f) && !f.waited_out; }, Action::kWait, Reason::kBehind},
      {"15", [=](F f) { return late(f) && f.on_timeout == OnTimeout::kStale; }, Action::kLocal,
       Reason::kStaleByPolicy},
      {"16",
       [=](F f) {
         return late(f) && (f.on_timeout == OnTimeout::kFail || f.role == Role::kOrphan);
       },
       Action::kRefuse, Reason::kWaitedOut},
      {"17", [](F f) { return f.kind == Kind::kWrite && may_write(f); }, Action::kLocal,
       Reason::kWrites},
      {"18", may_write, Action::kLocal, Reason::kPrimaryReads},
      {"19", [](F f) { return f.role == Role::kHandingOver && f.held_out; }, Action::kRefuse,
       Reason::kHandover},
      {"20", [](F f) { return f.role == Role::kHandingOver; }, Action::kHold, Reason::kHandover},
      {"21", [](F f) { return f.role == Role::kOrphan && f.held_out; }, Action::kRefuse,
       Reason::kNoPrimary},
      {"22", [](F f) { return f.role == Role::kOrphan; }, Action::kHold, Reason::kNoPrimary},
      {"23", [](F f) { return f.looped; }, Action::kRefuse, Reason::kLoop},
  };
  const auto elsewhere = [&](const std::function<bool(F)>& fits, Reason reason) {
    rows.push_back({"24", [=](F f) { return fits(f) && f.edge_replays; }, Action::kReplay, reason});
    rows.push_back({"25", fits, Action::kForward, reason});
  };
  elsewhere(too_old, Reason::kTooOld);
  elsewhere(late, Reason::kWaitedOut);
  elsewhere(wants(Kind::kWrite), Reason::kWriteElsewhere);
  elsewhere(wants(Kind::kPrimaryRead), Reason::kWantsPrimary);
  elsewhere(wants(Kind::kWroteHere), Reason::kGetThatWrote);
  static const std::vector<Row> kRows = rows;
  return kRows;
}

std::string describe(const Facts& f) {
  return fmt::format(
      "passthrough {} kind {} role {} consistency {} token {} policy {} waited {} "
      "held {} looped {} edge {}",
      f.passthrough, static_cast<int>(f.kind), static_cast<int>(f.role),
      static_cast<int>(f.consistency), static_cast<int>(f.token), static_cast<int>(f.on_timeout),
      f.waited_out, f.held_out, f.looped, f.edge_replays);
}

TEST_CASE("routing is the table, for every combination of facts") {
  std::set<const Row*> used;
  size_t wrong = 0;
  for_all([&](const Facts& facts) {
    for (const Row& row : table()) {
      if (!row.fits(facts)) continue;
      used.insert(&row);
      if (route(facts) != Decision{row.action, row.reason} && wrong++ == 0) {
        CAPTURE(describe(facts));
        CAPTURE(row.what);
        CHECK(to_string(route(facts).action) == to_string(row.action));
        CHECK(to_string(route(facts).reason) == to_string(row.reason));
      }
      break;
    }
  });
  CHECK(wrong == 0);
  CHECK(used.size() == table().size());  // no row is in vain
}

TEST_CASE("what must never happen") {
  size_t writes_at_a_replica = 0, waits_twice = 0, waits_on_primary = 0, past_edge = 0;
  for_all([&](const Facts& f) {
    const Decision d = route(f);
    if (f.passthrough) return;
    const bool at_primary = may_write(f);
    if (f.kind != Kind::kRead && d.action == Action::kLocal && !at_primary) ++writes_at_a_replica;
    if (d.action == Action::kWait && f.waited_out) ++waits_twice;
    if (d.action == Action::kHold && f.held_out) ++waits_twice;
    const bool may_wait = f.token == Standing::kAppearing;
    if (at_primary && d.action != Action::kLocal && !may_wait) ++waits_on_primary;
    if (d.action == Action::kReplay && !f.edge_replays) ++past_edge;
  });
  CHECK(writes_at_a_replica == 0);
  CHECK(waits_twice == 0);
  CHECK(waits_on_primary == 0);
  CHECK(past_edge == 0);
}

TEST_CASE("actions and reasons have names of their own") {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kReasons; ++i) names.insert(to_string(static_cast<Reason>(i)));
  CHECK(names.size() == kReasons);
  CHECK(to_string(Reason::kGetThatWrote) == "get-that-wrote");
  CHECK(to_string(Reason::kStaleByPolicy) == "stale");
  CHECK(to_string(Action::kRefuse) == "refuse");
}

}  // namespace
}  // namespace skerry::proxy
