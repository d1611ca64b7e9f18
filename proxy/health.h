// What the proxy says of the node's health, in the answers to /litefs/health and /skerry/health/….
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "proxy/limits.h"
#include "proxy/node_view.h"

namespace skerry::proxy {

enum class HealthPath : uint8_t {
  kNone,
  kLitefs,  // "OK" or 503: as ready, in LiteFS's words
  kLive,    // the process answers
  kReady,   // it may be sent requests: databases are open, and it is the primary or follows one
  kLag,     // … and is not too far behind
};

[[nodiscard]] HealthPath health_path(std::string_view path);

struct Health {
  int status = 200;
  std::string_view content_type;
  std::string body;
};

// `max_lag` 0: any lag will do.
[[nodiscard]] Health health(HealthPath path, const NodeState& state, const Freshness& freshness,
                            Ms max_lag);

}  // namespace skerry::proxy
