#include "daemon/app/cli/proxy_check.h"

#include "proxy/settings.h"

namespace skerry::app {

Status check_proxy(const config::Config& config, std::vector<std::string>& warnings) {
  if (config.proxy.target.empty()) return {};
  const auto settings = proxy::settings_from(config, false, "", warnings);
  if (!settings) return std::unexpected(settings.error());
  return {};
}

}  // namespace skerry::app
