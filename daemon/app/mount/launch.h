// From a configuration to a running keeper.
#pragma once

#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "ltx/base/result.h"

namespace skerry::app {

struct Launch {
  const config::Config& config;
  std::vector<std::string> arguments;  // of this process: the worker is started with the same
  bool skip_unmount = false;
};

// Locks the data folder, binds the ports, mounts, and becomes the keeper: returns only an error,
// with everything undone.
[[nodiscard]] Error launch(const Launch& what);

// This process was started by a keeper, to be its worker.
[[nodiscard]] bool is_worker();

}  // namespace skerry::app
