#include "daemon/cluster/handover.h"

#include <algorithm>

namespace skerry::cluster {

using lease::Duration;

std::string_view to_string(Step step) {
  switch (step) {
    case Step::kPrepare:
      return "prepare";
    case Step::kHoldRequests:
      return "hold-requests";
    case Step::kHoldWriters:
      return "hold-writers";
    case Step::kProve:
      return "prove";
    case Step::kYield:
      return "yield";
    case Step::kGrant:
      return "grant";
    case Step::kAwait:
      return "await";
    case Step::kReclaim:
      return "reclaim";
    case Step::kLetGo:
      return "let-go";
    case Step::kFinished:
      return "finished";
  }
  return "unknown";
}

Duration Handover::left() const {
  return std::max(Duration{0}, began_ + bounds_.total - now_);
}

Duration Handover::bound(Step step) const {
  switch (step) {
    case Step::kPrepare:
      return left();
    case Step::kHoldRequests:
      return std::min(bounds_.requests, left());
    case Step::kHoldWriters:
      return std::min(bounds_.writers, left());
    case Step::kProve:
      return std::min(bounds_.prove, left());
    case Step::kYield:
      return bounds_.yield;
    case Step::kGrant:
      return bounds_.grant;
    case Step::kAwait:
      return bounds_.await;
    case Step::kReclaim:
      return bounds_.reclaim;
    case Step::kLetGo:
    case Step::kFinished:
      break;
  }
  return Duration{0};
}

Handover::Action Handover::go(Step step) {
  step_ = step;
  step_began_ = now_;
  return {step, bound(step)};
}

Handover::Action Handover::begin() {
  return go(Step::kPrepare);
}

Handover::Action Handover::resume(const StepOutcome& outcome, lease::Time now) {
  now_ = std::max(now_, now);
  const Duration took = now_ - step_began_;
  timings_.push_back({step_, took});
  if (step_ != Step::kPrepare) pause_ += took;
  return after(outcome);
}

// The way back from where it is.
Handover::Action Handover::give_up(const std::string& why) {
  if (reason_.empty()) {
    reason_ = why;
    failed_at_ = step_;
  }
  switch (step_) {
    case Step::kPrepare:
      return go(Step::kFinished);
    case Step::kYield:
    case Step::kGrant:
    case Step::kAwait:
      return go(Step::kReclaim);
    default:
      return go(Step::kLetGo);
  }
}

Handover::Action Handover::after(const StepOutcome& outcome) {
  switch (step_) {
    case Step::kHoldRequests:  // those that do not end must not keep the others waiting
      break;
    case Step::kReclaim:
      handed_over_ = outcome.holder == StepOutcome::Holder::kAnother;
      if (outcome.holder == StepOutcome::Holder::kNobody) reason_ += "; then " + outcome.why;
      return go(Step::kLetGo);
    case Step::kLetGo:
    case Step::kFinished:
      return go(Step::kFinished);
    default:
      if (!outcome.ok) return give_up(outcome.why);
  }
  if (step_ == Step::kAwait) {
    handed_over_ = outcome.holder == StepOutcome::Holder::kAnother;
    if (!handed_over_) return give_up("nobody took the lease");
    return go(Step::kLetGo);
  }
  const bool may_still_yield = step_ < Step::kYield;
  if (may_still_yield && left() == Duration{0}) {
    return give_up("there was not enough time (--timeout)");
  }
  return go(static_cast<Step>(static_cast<uint8_t>(step_) + 1));
}

}  // namespace skerry::cluster
