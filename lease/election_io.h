// What goes into the election machine and what comes out of it.
#pragma once

#include <variant>

#include "lease/lease_data.h"

namespace skerry::lease {

enum class Verdict : uint8_t {
  kApplied,
  kRefused,    // a condition did not hold, nothing was changed
  kDelayed,    // Consul's lock-delay runs
  kNoSession,  // the session has ended
  kUnknown,    // no answer: it may have been, or may still be, applied
};

namespace event {

struct Tick {};  // time has passed

// Answers to actions; `look`, `write` and `round` are the action's number.
struct Viewed {
  uint64_t look = 0;
  View view;
};
struct LookFailed {
  uint64_t look = 0;
  std::string why;
};
struct SessionMade {
  std::string session;
};
struct SessionFailed {
  std::string why;
};
struct Renewed {
  std::string session;
  bool exists = true;
};
struct RenewFailed {
  std::string session;
};
struct Wrote {
  uint64_t write = 0;
  Verdict verdict = Verdict::kUnknown;
  uint64_t index = 0;  // of the transaction, if it was applied
  std::string why;
};
struct PeerAnswered {
  uint64_t round = 0;
  std::string name;
  std::optional<PeerReport> report;  // nothing: it does not answer
};
struct PromiseAnswered {
  uint64_t round = 0;
  std::string name;
  bool promised = false;
};
struct CaughtUp {
  bool ok = false;
};
struct Persisted {
  Epoch epoch;
  bool ok = true;
};

// From the node.
struct Facts {
  Standing standing;
  Standing followers;  // the best that another candidate has confirmed to this primary
  std::string cluster_id;
};

// From a peer: a primary that asks for a promise; answered at once by an AnswerPromise.
struct PromiseAsked {
  uint64_t ticket = 0;
  PromiseRequest request;
};
// From the primary that yielded to this node. Both 0: it is about to.
struct Granted {
  uint64_t key_index = 0;
  uint64_t record_index = 0;
};

// From an operator, or the node's start and end.
struct Yield {};    // give up the right and the touching, so that a successor may take the lease
struct Reclaim {};  // no successor: go on
struct Release {};  // end: give back the lease, leave the cluster
struct Force {};    // stand although others' data are ahead or this node is not on the list

}  // namespace event

using Event = std::variant<event::Tick, event::Viewed, event::LookFailed, event::SessionMade,
                           event::SessionFailed, event::Renewed, event::RenewFailed, event::Wrote,
                           event::PeerAnswered, event::PromiseAnswered, event::CaughtUp,
                           event::Persisted, event::Facts, event::PromiseAsked, event::Granted,
                           event::Yield, event::Reclaim, event::Release, event::Force>;

namespace action {

// Read all keys; wait until something is past `after_index`, if that is not 0. Ends an earlier one.
struct Look {
  uint64_t look = 0;
  uint64_t after_index = 0;
};
struct MakeSession {};
struct Renew {
  std::string session;
};
struct DestroySession {
  std::string session;
};
struct Write {
  uint64_t write = 0;
  Ops ops;
};
// Ask each how it stands: one PeerAnswered each within kSurveyBound.
struct AskPeers {
  uint64_t round = 0;
  std::vector<Peer> peers;
};
// Ask each for the promise: one PromiseAnswered each within a fraction of the term.
struct AskPromises {
  uint64_t round = 0;
  std::vector<Peer> peers;
  PromiseRequest request;
};
struct AnswerPromise {
  uint64_t ticket = 0;
  bool promised = false;
};
// Get the peer's data; one CaughtUp within kCatchUpBound.
struct CatchUp {
  Peer from;
};
// Keep the epoch on disk; `holder`: this process took the lease with it. One Persisted.
struct Persist {
  Epoch epoch;
  bool holder = false;
};
// This node belongs to the cluster of that id from now on.
struct AdoptClusterId {
  std::string id;
};
// Whoever takes the lease at these indices does so with this node's consent.
struct Offer {
  uint64_t key_index = 0;
  uint64_t record_index = 0;
  Epoch epoch;
};

}  // namespace action

using Action =
    std::variant<action::Look, action::MakeSession, action::Renew, action::DestroySession,
                 action::Write, action::AskPeers, action::AskPromises, action::AnswerPromise,
                 action::CatchUp, action::Persist, action::AdoptClusterId, action::Offer>;
using Actions = std::vector<Action>;

}  // namespace skerry::lease
