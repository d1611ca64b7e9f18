#include "proxy/route.h"

#include <array>

namespace skerry::proxy {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {"local",  "wait", "forward",
                                                                 "replay", "hold", "refuse"};
constexpr std::array<std::string_view, kReasons> kReasonNames = {
    "passthrough",  "read",          "fresh",   "primary-reads", "any-version",
    "within-bound", "lost-branch",   "stale",   "writes",        "behind",
    "appearing",    "write",         "wants-primary", "too-old", "waited-out",
    "starting",     "no-primary",    "handover", "loop",         "get-that-wrote"};

Decision hold(const Facts& facts, Reason reason) {
  return {facts.held_out ? Action::kRefuse : Action::kHold, reason};
}

// Nothing is newer than the primary, but its applications may see the newest a moment after others
// do. What waited in vain for that is answered, unless configured otherwise: nobody else has more.
Decision at_primary(const Facts& facts) {
  const bool is_read = facts.kind == Kind::kRead || facts.kind == Kind::kPrimaryRead;
  const bool appearing =
      facts.token == Standing::kAppearing && facts.consistency == Consistency::kSession;
  if (appearing && !facts.waited_out) return {Action::kWait, Reason::kAppearing};
  if (appearing && is_read) {
    if (facts.on_timeout == OnTimeout::kFail) return {Action::kRefuse, Reason::kWaitedOut};
    return {Action::kLocal, Reason::kStaleByPolicy};
  }
  return {Action::kLocal, facts.kind == Kind::kWrite ? Reason::kWrites : Reason::kPrimaryReads};
}

// What only the primary can answer.
Decision to_primary(const Facts& facts, Reason reason) {
  switch (facts.role) {
    case Role::kStarting:
      return hold(facts, Reason::kStarting);
    case Role::kPrimary:
      return at_primary(facts);
    case Role::kHandingOver:
      return hold(facts, Reason::kHandover);
    case Role::kOrphan:
      return hold(facts, Reason::kNoPrimary);
    case Role::kReplica:
      break;
  }
  if (facts.looped) return {Action::kRefuse, Reason::kLoop};
  return {facts.edge_replays ? Action::kReplay : Action::kForward, reason};
}

// A read whose position did not come in time. Nobody is waited for a second time.
Decision waited_out(const Facts& facts) {
  switch (facts.on_timeout) {
    case OnTimeout::kStale:
      return {Action::kLocal, Reason::kStaleByPolicy};
    case OnTimeout::kForward:
      if (facts.role == Role::kReplica) return to_primary(facts, Reason::kWaitedOut);
      break;
    case OnTimeout::kFail:
      break;
  }
  return {Action::kRefuse, Reason::kWaitedOut};
}

Decision session_read(const Facts& facts) {
  switch (facts.token) {
    case Standing::kNone:
      return {Action::kLocal, Reason::kRead};
    case Standing::kReached:
      return {Action::kLocal, Reason::kFresh};
    case Standing::kLost:
      return {Action::kLocal, Reason::kLostBranch};
    case Standing::kAppearing:
    case Standing::kBehind:
      break;
  }
  if (facts.waited_out) return waited_out(facts);
  const bool is_behind = facts.token == Standing::kBehind;
  return {Action::kWait, is_behind ? Reason::kBehind : Reason::kAppearing};
}

Decision read(const Facts& facts) {
  if (facts.role == Role::kStarting) return hold(facts, Reason::kStarting);
  if (facts.role == Role::kPrimary || facts.role == Role::kHandingOver) return at_primary(facts);
  switch (facts.consistency) {
    case Consistency::kAny:
      return {Action::kLocal, Reason::kAnyVersion};
    case Consistency::kWithinBound:
      return {Action::kLocal, Reason::kWithinBound};
    case Consistency::kTooOld:
      return to_primary(facts, Reason::kTooOld);
    case Consistency::kSession:
      break;
  }
  return session_read(facts);
}

}  // namespace

std::string_view to_string(Action action) {
  return kActionNames[static_cast<size_t>(action)];
}

std::string_view to_string(Reason reason) {
  return kReasonNames[static_cast<size_t>(reason)];
}

Decision route(const Facts& facts) {
  if (facts.passthrough) return {Action::kLocal, Reason::kPassthrough};
  switch (facts.kind) {
    case Kind::kRead:
      return read(facts);
    case Kind::kPrimaryRead:
      return to_primary(facts, Reason::kWantsPrimary);
    case Kind::kWrite:
      return to_primary(facts, Reason::kWriteElsewhere);
    case Kind::kWroteHere:
      break;
  }
  return to_primary(facts, Reason::kGetThatWrote);
}

}  // namespace skerry::proxy
