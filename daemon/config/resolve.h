// Settings whose default depends on others, or on the machine.
#pragma once

#include <string_view>

#include "daemon/config/config.h"

namespace skerry::config {

// Fills what was left open: http.snapshot-timeout from data.retention; with a Consul lease the host
// name and the advertised URL; LiteFS Cloud's URL. Does nothing when done again.
void resolve(Config& config, std::string_view os_hostname);

}  // namespace skerry::config
