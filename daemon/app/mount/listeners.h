// The listening sockets. The keeper owns them, so that a worker's end refuses no connection.
#pragma once

#include <map>
#include <string>

#include "daemon/config/config.h"
#include "daemon/os/fd.h"
#include "ltx/base/result.h"

namespace skerry::app {

using Listeners = std::map<std::string, os::Fd>;  // by purpose: "http", "proxy"

// Binds what the configuration asks for; an error names the key and who may be in the way.
[[nodiscard]] Result<Listeners> listen(const config::Config& config);

// "http=10,proxy=11": in the map's order from kFirstListenFd on.
[[nodiscard]] std::string describe(const Listeners& listeners);
// A worker's: from what describe() wrote. Nothing for what is not there.
[[nodiscard]] std::map<std::string, int> inherited_listeners();

}  // namespace skerry::app
