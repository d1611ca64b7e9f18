// The cluster's secret: from the configuration, else from the environment; empty if there is none.
#pragma once

#include <cstdlib>
#include <string>

#include "daemon/config/config.h"

namespace skerry::app {

[[nodiscard]] inline std::string node_secret(const config::Config& config) {
  if (!config.cluster.secret.empty()) return config.cluster.secret;
  const char* secret = std::getenv("SKERRY_CLUSTER_SECRET");
  return secret != nullptr ? secret : "";
}

}  // namespace skerry::app
