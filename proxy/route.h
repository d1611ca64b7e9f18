// Where a request goes: the proxy's one decision, drawn as a table in ROUTING.md. Pure.
//
// It is taken anew whenever something that it rests on has changed: the node's role, a position, a
// time that ran out. So a request that waits needs no memory of its own beyond these facts.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/session_token.h"

namespace skerry::proxy {

enum class Action : uint8_t {
  kLocal,    // to the application on this machine
  kWait,     // until this node is where the client was
  kForward,  // to the primary's proxy
  kReplay,   // to the primary, by Fly's edge
  kHold,     // until somebody may write
  kRefuse,
};
inline constexpr size_t kActions = 6;

enum class Reason : uint8_t {
  kPassthrough,     // the path says so
  kRead,            // no token to heed
  kFresh,           // a read, and this node is where the client was
  kPrimaryReads,    // nothing is newer than the primary
  kAnyVersion,      // the client takes what there is
  kWithinBound,     // … or what is not too old, and it is not
  kLostBranch,      // a read whose token no node can satisfy
  kStaleByPolicy,   // waited in vain; configured to answer all the same
  kWrites,          // on the primary
  kBehind,          // a read, and the client has seen more than this node has
  kAppearing,       // the client has seen what applications here may not see yet
  kWriteElsewhere,  // not the primary
  kWantsPrimary,    // a read that the client or a rule sends there
  kTooOld,          // a read with a bound that this node does not keep
  kWaitedOut,       // a read whose position did not come in time
  kStarting,        // nothing is known yet
  kNoPrimary,       // somebody will be
  kHandover,        // somebody else will be
  kLoop,            // from proxy to proxy, and none is the primary's
  kGetThatWrote,    // a read that failed here for writing
};
inline constexpr size_t kReasons = 20;

[[nodiscard]] std::string_view to_string(Action action);
[[nodiscard]] std::string_view to_string(Reason reason);

struct Decision {
  Action action;
  Reason reason;
  friend bool operator==(Decision, Decision) = default;
};

enum class Role : uint8_t { kStarting, kPrimary, kHandingOver, kReplica, kOrphan /* no primary */ };

enum class Kind : uint8_t {
  kRead,
  kPrimaryRead,  // a read, sent to the primary by a rule or by the client
  kWrite,
  kWroteHere,  // a read that has failed here for writing
};

// What the client asks of a read: the header Read-Consistency, or else its session.
enum class Consistency : uint8_t { kSession, kAny, kWithinBound, kTooOld };

enum class OnTimeout : uint8_t { kForward, kStale, kFail };  // the order of proxy.on-timeout

struct Facts {
  bool passthrough = false;
  Kind kind = Kind::kRead;
  Role role = Role::kStarting;
  Consistency consistency = Consistency::kSession;
  Standing token = Standing::kNone;
  OnTimeout on_timeout = OnTimeout::kForward;
  bool waited_out = false;    // the time for a position is over
  bool held_out = false;      // the time for a primary is over, or there is no room to hold
  bool looped = false;        // it came through kHopsMax proxies
  bool edge_replays = false;  // Fly's edge is in front, may replay it, and is wanted to
};

[[nodiscard]] Decision route(const Facts& facts);

}  // namespace skerry::proxy
