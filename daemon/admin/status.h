// What a node is and how it is, as JSON: /info, /skerry/status, /debug/vars.
#pragma once

#include <string>

#include "daemon/admin/node_view.h"

namespace skerry::admin {

// LiteFS's shape. Cheap: for io threads.
[[nodiscard]] std::string info_json(const NodeView& node);

// Everything for `skerry status` and the status page; `now_ms`: wall clock. For pool threads:
//
//   { "node":     {"id", "hostname", "region", "version", "role", "candidate", "lease",
//   "clusterId",
//                  "epoch", "advertiseUrl", "dataDir", "mountDir", "upSeconds", "ready",
//                  "notReady"?: why},
//     "primary":  {"hostname", "url"} or null,
//     "lagMs":    number or null,
//     "databases": [{"name", "txid", "checksum", "epoch", "pages", "pageSize", "bytes",
//                    "walFrames", "lastCommit", "ageMs", "commits"}],
//     "broken":    [{"name", "error"}],
//     "streams":   [{"direction": "to-replica" | "from-primary", "peer", "region", "since",
//                    "wireBytes", "pageBytes", "transactions", "lagMs"}],
//     "obstacles": [{"db", "kind", "pid", "program", "sinceMs", "walFrames"}] }
[[nodiscard]] std::string status_json(NodeView& node, int64_t now_ms);

// LiteFS's expvar `store`.
[[nodiscard]] std::string debug_vars_json(const NodeView& node);

}  // namespace skerry::admin
