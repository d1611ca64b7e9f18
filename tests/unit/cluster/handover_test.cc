#include "daemon/cluster/handover.h"

#include <doctest/doctest.h>

namespace skerry::cluster {
namespace {

using namespace std::chrono_literals;
using Holder = StepOutcome::Holder;

const StepOutcome kOk{};
const StepOutcome kTaken{true, "", Holder::kAnother};
const StepOutcome kMine{true, "", Holder::kThisNode};
const StepOutcome kNobody{false, "Consul is silent", Holder::kNobody};
StepOutcome failed(const char* why) {
  return {false, why, Holder::kThisNode};
}

struct Move {
  Step step;  // that is expected
  StepOutcome outcome;
};

struct Row {
  const char* name;
  std::vector<Move> moves;
  bool handed_over;
  Step failed_at;
  const char* reason;  // part of it
};

// What is asked for in order, and what comes of each.
const Row kRows[] = {
    {"all goes well",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, kOk},
      {Step::kProve, kOk},
      {Step::kYield, kOk},
      {Step::kGrant, kOk},
      {Step::kAwait, kTaken},
      {Step::kLetGo, kOk}},
     true,
     Step::kFinished,
     ""},
    {"the target cannot: nothing was held",
     {{Step::kPrepare, failed("it is behind")}},
     false,
     Step::kPrepare,
     "behind"},
    {"requests that do not end do not stop it",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, failed("2 requests are under way")},
      {Step::kHoldWriters, kOk},
      {Step::kProve, kOk},
      {Step::kYield, kOk},
      {Step::kGrant, kOk},
      {Step::kAwait, kTaken},
      {Step::kLetGo, kOk}},
     true,
     Step::kFinished,
     ""},
    {"a transaction does not end",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, failed("process 7")},
      {Step::kLetGo, kOk}},
     false,
     Step::kHoldWriters,
     "process 7"},
    {"the target does not prove it",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, kOk},
      {Step::kProve, failed("no answer")},
      {Step::kLetGo, kOk}},
     false,
     Step::kProve,
     "no answer"},
    {"Consul does not show the lease",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, kOk},
      {Step::kProve, kOk},
      {Step::kYield, failed("Consul is silent")},
      {Step::kReclaim, kMine},
      {Step::kLetGo, kOk}},
     false,
     Step::kYield,
     "Consul"},
    {"the target dies before it hears",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, kOk},
      {Step::kProve, kOk},
      {Step::kYield, kOk},
      {Step::kGrant, failed("refused")},
      {Step::kReclaim, kMine},
      {Step::kLetGo, kOk}},
     false,
     Step::kGrant,
     "refused"},
    {"the target dies after it heard",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, kOk},
      {Step::kProve, kOk},
      {Step::kYield, kOk},
      {Step::kGrant, kOk},
      {Step::kAwait, failed("nobody took it")},
      {Step::kReclaim, kMine},
      {Step::kLetGo, kOk}},
     false,
     Step::kAwait,
     "nobody took it"},
    {"its answer was lost, but it took the lease",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, kOk},
      {Step::kProve, kOk},
      {Step::kYield, kOk},
      {Step::kGrant, failed("timed out")},
      {Step::kReclaim, kTaken},
      {Step::kLetGo, kOk}},
     true,
     Step::kGrant,
     "timed out"},
    {"the lease is this node's all the while",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, kOk},
      {Step::kProve, kOk},
      {Step::kYield, kOk},
      {Step::kGrant, kOk},
      {Step::kAwait, kMine},
      {Step::kReclaim, kMine},
      {Step::kLetGo, kOk}},
     false,
     Step::kAwait,
     "nobody took"},
    {"Consul goes in the midst of it",
     {{Step::kPrepare, kOk},
      {Step::kHoldRequests, kOk},
      {Step::kHoldWriters, kOk},
      {Step::kProve, kOk},
      {Step::kYield, kOk},
      {Step::kGrant, failed("refused")},
      {Step::kReclaim, kNobody},
      {Step::kLetGo, kOk}},
     false,
     Step::kGrant,
     "then Consul is silent"},
};

TEST_CASE("the hand-over's steps, whatever comes of each") {
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    lease::Time now{1s};
    Handover handover({}, now);
    Handover::Action next = handover.begin();
    for (const Move& move : row.moves) {
      REQUIRE(to_string(next.step) == to_string(move.step));
      now += 10ms;
      next = handover.resume(move.outcome, now);
    }
    CHECK(next.step == Step::kFinished);
    CHECK(handover.handed_over() == row.handed_over);
    CHECK(to_string(handover.failed_at()) == to_string(row.failed_at));
    CHECK(handover.reason().find(row.reason) != std::string::npos);
    CHECK(handover.timings().size() == row.moves.size());
    CHECK(handover.pause() == 10ms * (row.moves.size() - 1));
  }
}

// Whatever fails, and in whatever combination: writers are let go of, and once the right was given
// up the end knows who has it.
TEST_CASE("every way ends with writers let go of and the lease known") {
  for (unsigned failures = 0; failures < 1u << 8; ++failures) {
    CAPTURE(failures);
    Handover handover({}, {});
    Handover::Action next = handover.begin();
    bool held = false;
    bool yielded = false;
    int steps = 0;
    while (next.step != Step::kFinished) {
      REQUIRE(++steps < 12);
      if (next.step == Step::kHoldRequests) held = true;
      if (next.step == Step::kYield) {
        REQUIRE(held);
        yielded = true;
      }
      if (next.step == Step::kLetGo) held = false;
      const bool ok = (failures >> static_cast<unsigned>(next.step) & 1u) == 0;
      StepOutcome outcome{ok, ok ? "" : "it failed", Holder::kThisNode};
      if (next.step == Step::kAwait && ok) outcome.holder = Holder::kAnother;
      if (next.step == Step::kReclaim || (next.step == Step::kAwait && ok)) yielded = false;
      next = handover.resume(outcome, {});
    }
    CHECK_FALSE(held);
    CHECK_FALSE(yielded);
    CHECK((handover.handed_over() || !handover.reason().empty()));
  }
}

TEST_CASE("time runs out: back while there is a way back, on where there is none") {
  HandoverBounds bounds;
  bounds.total = 3s;
  lease::Time now{};
  Handover slow(bounds, now);
  Handover::Action next = slow.begin();
  CHECK(next.at_most == 3s);
  next = slow.resume(kOk, now += 2500ms);
  CHECK(next.at_most == 500ms);  // of its own second
  next = slow.resume(kOk, now += 600ms);
  CHECK(next.step == Step::kLetGo);
  CHECK(slow.reason().find("time") != std::string::npos);

  Handover late(bounds, now);
  next = late.begin();
  for (int i = 0; i < 4; ++i) next = late.resume(kOk, now);
  REQUIRE(next.step == Step::kYield);
  next = late.resume(kOk, now += 10s);
  CHECK(next.step == Step::kGrant);
  CHECK(next.at_most == bounds.grant);
}

}  // namespace
}  // namespace skerry::cluster
