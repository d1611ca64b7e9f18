// A planned change of the primary, decided: the steps in order, how long each may take, and what
// follows when one fails. Pure: who drives it does each step and says what came of it
// (app/node/node_handover.h); lease/ELECTION.md argues why no write is lost on the way.
//
//   Handover handover(bounds, now);
//   Handover::Action next = handover.begin();
//   while (next.step != Step::kFinished) next = handover.resume(perform(next), now);
//
// Until kYield nothing has happened that the old primary could not take back by letting its
// writers go; from then on the lease decides who writes, and every way out of here ends with
// knowing that.
//
// Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "lease/lease_clock.h"

namespace skerry::cluster {

enum class Step : uint8_t {
  kPrepare,       // the target can, and has what was there when it was asked
  kHoldRequests,  // the proxy holds new writes; those at the application finish
  kHoldWriters,   // SQLite's write locks: transactions under way finish, nobody begins one
  kProve,         // the target stands at the same positions, on its disk
  kYield,         // this node's right to write ends; the lease may be taken by who knows how
  kGrant,         // the target knows, and has taken it
  kAwait,         // this node has heard that somebody else holds the lease
  kReclaim,       // the lease is this node's again, or somebody else's
  kLetGo,         // writers and requests go on, wherever they belong now
  kFinished,
};
[[nodiscard]] std::string_view to_string(Step step);

struct HandoverBounds {
  lease::Duration total = std::chrono::seconds(10);  // until kYield; later steps have their own
  lease::Duration requests = std::chrono::seconds(1);
  lease::Duration writers = std::chrono::seconds(2);
  lease::Duration prove = std::chrono::seconds(1);
  lease::Duration yield = std::chrono::seconds(1);
  lease::Duration grant = std::chrono::seconds(2);
  lease::Duration await = std::chrono::seconds(1);
  lease::Duration reclaim = std::chrono::seconds(5);
};

// What came of a step.
struct StepOutcome {
  enum class Holder : uint8_t { kThisNode, kAnother, kNobody };
  bool ok = true;
  std::string why{};                  // if not
  Holder holder = Holder::kThisNode;  // of the lease: after kAwait and kReclaim
};

class Handover {
 public:
  Handover(const HandoverBounds& bounds, lease::Time now) : bounds_(bounds), began_(now) {}

  struct Action {
    Step step = Step::kPrepare;
    lease::Duration at_most{0};
  };
  [[nodiscard]] Action begin();
  [[nodiscard]] Action resume(const StepOutcome& outcome, lease::Time now);

  // Once it is finished: the lease is somebody else's. Otherwise why not, and at which step.
  [[nodiscard]] bool handed_over() const { return handed_over_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] Step failed_at() const { return failed_at_; }

  struct Timing {
    Step step = Step::kPrepare;
    lease::Duration took{0};
  };
  [[nodiscard]] const std::vector<Timing>& timings() const { return timings_; }
  // How long writes had to wait.
  [[nodiscard]] lease::Duration pause() const { return pause_; }

 private:
  [[nodiscard]] Action go(Step step);
  [[nodiscard]] Action after(const StepOutcome& outcome);
  [[nodiscard]] Action give_up(const std::string& why);
  [[nodiscard]] lease::Duration bound(Step step) const;
  [[nodiscard]] lease::Duration left() const;

  const HandoverBounds bounds_;
  const lease::Time began_;
  lease::Time now_ = began_;
  lease::Time step_began_ = began_;
  Step step_ = Step::kPrepare;
  bool handed_over_ = false;
  std::string reason_;
  Step failed_at_ = Step::kFinished;
  std::vector<Timing> timings_;
  lease::Duration pause_{0};
};

}  // namespace skerry::cluster
