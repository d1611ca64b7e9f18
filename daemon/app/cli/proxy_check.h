// What of the proxy's configuration only the proxy can judge: routes, addresses, counts.
#pragma once

#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "ltx/base/result.h"

namespace skerry::app {

// `warnings` gets what is probably not meant.
[[nodiscard]] Status check_proxy(const config::Config& config, std::vector<std::string>& warnings);

}  // namespace skerry::app
