// The other side of a hand-over: the node that is to become the primary says whether it can, proves
// that it has everything, and takes the lease when it may.
//
// Threads: pool threads; both wait as long as the request says.
#pragma once

#include <atomic>
#include <functional>

#include "daemon/cluster/cluster_id.h"
#include "daemon/cluster/handover_wire.h"
#include "daemon/net/router.h"
#include "daemon/store/store.h"
#include "lease/consul_leaser.h"

namespace skerry::cluster {

// Where every database stands that ever had a transaction.
[[nodiscard]] Positions positions_of(const store::Store& store);

// What keeps `here` from being `wanted`; nothing if it is. For kPrepare to be past it is enough.
[[nodiscard]] std::optional<std::string> missing(HandoverRequest::Kind kind,
                                                 const Positions& wanted, const Positions& here);

class Successor {
 public:
  struct Parts {
    bool candidate;
    const ClusterId& cluster_id;
    store::Store& store;
    lease::ConsulLeaser& leaser;
    // Nobody is the primary while it is true; from any thread.
    std::function<void(bool)> taking_over;
  };
  explicit Successor(Parts parts) : parts_(std::move(parts)) {}

  // kBusy messages become "no" with a reason; an error means that it could not be made durable.
  [[nodiscard]] Result<HandoverAnswer> check(const HandoverRequest& request,
                                             const std::atomic<bool>* stopping);
  // Takes the lease.
  [[nodiscard]] HandoverAnswer granted(const GrantRequest& request);

  // POST /skerry/handover and /skerry/granted. This outlives the router's server.
  void add_to(net::Router& router);

 private:
  [[nodiscard]] std::optional<std::string> unable(const HandoverRequest& request) const;
  [[nodiscard]] std::optional<std::string> not_yet(const HandoverRequest& request) const;

  const Parts parts_;
};

}  // namespace skerry::cluster
