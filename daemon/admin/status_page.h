// GET /skerry/: the node's status for a browser. One request, nothing from elsewhere; the figures
// are in the page, and a script keeps them current where there is one.
#pragma once

#include "daemon/admin/node_view.h"
#include "daemon/net/http_message.h"

namespace skerry::admin {

// On a pool thread. `now_ms`: wall clock.
[[nodiscard]] net::Response status_page(NodeView& node, int64_t now_ms);

}  // namespace skerry::admin
