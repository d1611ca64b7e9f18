// GET /skerry/position and POST /skerry/promise: what nodes ask each other when the lease has no
// holder, or its holder cannot reach Consul (lease/PROTOCOL.md).
#pragma once

#include <chrono>
#include <functional>

#include "daemon/net/router.h"
#include "lease/consul_leaser.h"

namespace skerry::cluster {

// POST /skerry/force-primary: the node stands for the lease with the data that it has; answered
// once it holds it. On a pool thread.
inline constexpr std::chrono::seconds kForceBound{20};

// GET /skerry/cluster: what this node knows of the others, and what it is doing about the lease.
struct ClusterView {
  lease::LeaseState state;
  lease::Peer self;
  std::vector<lease::NodeEntry> nodes;
};
[[nodiscard]] std::string cluster_json(const ClusterView& view, lease::Time now);
// `look` is called on io threads and must not wait.
void add_cluster_route(net::Router& router, std::function<ClusterView()> look);

// Answered on io threads, from memory. The leaser outlives the router's server.
void add_lease_routes(net::Router& router, lease::ConsulLeaser& leaser);

}  // namespace skerry::cluster
