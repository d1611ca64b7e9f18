// Starts the proxy of a node, if its configuration asks for one.
#pragma once

#include <memory>

#include "daemon/app/node/proxy_view.h"
#include "daemon/config/config.h"
#include "proxy/proxy.h"

namespace skerry::app {

// How long clients that wait for an answer get before a successor takes over.
inline constexpr proxy::Ms kDrainLimit{3'000};

// Null without proxy.target. Before databases are opened: requests are held until they are.
[[nodiscard]] Result<std::unique_ptr<proxy::Proxy>> start_proxy(const config::Config& config,
                                                                ProxyView& view);

}  // namespace skerry::app
