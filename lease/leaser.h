// Who the primary is, as a seam: a static configuration, or a lease in Consul.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lease/lease_clock.h"
#include "ltx/base/result.h"
#include "ltx/base/types.h"

namespace skerry::lease {

// How the others reach the primary.
struct PrimaryInfo {
  std::string hostname;       // what .primary shows; may be empty with a static lease
  std::string advertise_url;  // of its node API
  friend bool operator==(const PrimaryInfo&, const PrimaryInfo&) = default;
};

// What a node is doing about the lease.
enum class Phase : uint8_t {
  kLooking,     // nothing is known yet
  kFollowing,   // somebody else holds it
  kWaiting,     // nobody seems to hold it, and this node may not take it (yet): the reason says why
  kSurveying,   // asking the others how far their data have come
  kCatchingUp,  // somebody's data are ahead: getting them
  kStanding,    // taking it
  kPrimary,     // holds it, with the right to write
  kLapsed,      // held it last, but the right has run out unrenewed
  kYielded,     // gave the right up for a successor, who may take it now
  kReleased,    // ended
};
[[nodiscard]] std::string_view to_string(Phase phase);

struct LeaseState {
  bool is_primary = false;             // this node may write until `right_until`
  Epoch epoch;                         // of the lease that is, or was last known to be, held
  std::optional<PrimaryInfo> primary;  // known; this node's own if it is the primary
  Time right_until = kNever;           // meaningless in a replica
  Phase phase = Phase::kLooking;
  std::string reason;  // why it is so, for people
  friend bool operator==(const LeaseState&, const LeaseState&) = default;
};

// Reports the state at start() and whenever it changes, from any thread, one call at a time. A
// primary's `right_until` moves with every renewal, and is reported each time.
class Leaser {
 public:
  using Observer = std::function<void(const LeaseState&)>;

  virtual ~Leaser() = default;
  virtual void start(Observer observer) = 0;
  // No call of the observer after it returns.
  virtual void stop() = 0;
};

}  // namespace skerry::lease
