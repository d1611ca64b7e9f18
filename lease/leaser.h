// Who the primary is, as a seam: a static configuration, or a lease in Consul.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ltx/base/result.h"
#include "ltx/base/types.h"

namespace skerry::lease {

// How the others reach the primary.
struct PrimaryInfo {
  std::string hostname;       // what .primary shows; may be empty with a static lease
  std::string advertise_url;  // of its node API
  friend bool operator==(const PrimaryInfo&, const PrimaryInfo&) = default;
};

struct LeaseState {
  bool is_primary = false;             // this node may write
  Epoch epoch;                         // of the lease that is, or was last known to be, held
  std::optional<PrimaryInfo> primary;  // known; this node's own if it is the primary
  friend bool operator==(const LeaseState&, const LeaseState&) = default;
};

// Reports the state at start() and whenever it changes, from any thread, one call at a time.
class Leaser {
 public:
  using Observer = std::function<void(const LeaseState&)>;

  virtual ~Leaser() = default;
  virtual void start(Observer observer) = 0;
  // No call of the observer after it returns.
  virtual void stop() = 0;
};

}  // namespace skerry::lease
