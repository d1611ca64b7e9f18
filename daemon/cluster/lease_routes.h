// GET /skerry/position and POST /skerry/promise: what nodes ask each other when the lease has no
// holder, or its holder cannot reach Consul (lease/PROTOCOL.md).
#pragma once

#include "daemon/net/router.h"
#include "lease/consul_leaser.h"

namespace skerry::cluster {

// Answered on io threads, from memory. The leaser outlives the router's server.
void add_lease_routes(net::Router& router, lease::ConsulLeaser& leaser);

}  // namespace skerry::cluster
