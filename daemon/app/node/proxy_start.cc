#include "daemon/app/node/proxy_start.h"

#include <cstdlib>

#include "daemon/app/mount/listeners.h"
#include "daemon/config/environment.h"

namespace skerry::app {

Result<std::unique_ptr<proxy::Proxy>> start_proxy(const config::Config& config, ProxyView& view) {
  if (config.proxy.target.empty()) return nullptr;
  const bool on_fly = std::getenv("FLY_APP_NAME") != nullptr;
  const std::string name =
      config.lease.hostname.empty() ? config::os_hostname() : config.lease.hostname;
  std::vector<std::string> warnings;  // `skerry mount` has told them
  TRY_ASSIGN(auto settings, proxy::settings_from(config, on_fly, name, warnings));
  const auto listeners = inherited_listeners();
  const auto listener = listeners.find("proxy");
  if (listener == listeners.end()) {
    return fail(Errc::kInvalid, "the keeper passed no socket for the proxy; restart the node");
  }
  view.track(settings.tracked);
  return proxy::Proxy::start(std::move(settings), view, listener->second);
}

}  // namespace skerry::app
