#include "daemon/config/resolve.h"

#include <fmt/format.h>

#include "daemon/config/address.h"

namespace skerry::config {
namespace {

constexpr std::string_view kLitefsCloudUrl = "https://litefs.fly.io";

void resolve_consul(LeaseConfig& lease, const HttpConfig& http, std::string_view os_hostname) {
  if (lease.hostname.empty()) lease.hostname = os_hostname;
  if (!lease.advertise_url.empty() || lease.hostname.empty()) return;
  const auto address = parse_address(http.addr);
  if (!address || address->port == 0) return;  // the port is known only once it is bound
  lease.advertise_url = fmt::format("http://{}:{}", lease.hostname, address->port);
}

}  // namespace

void resolve(Config& config, std::string_view os_hostname) {
  // A static lease's host name stays empty: it names the primary, which may be another machine.
  if (config.lease.type == LeaseType::kConsul) {
    resolve_consul(config.lease, config.http, os_hostname);
  }
  if (config.http.snapshot_timeout == Duration::zero() &&
      config.data.retention > Duration::zero()) {
    config.http.snapshot_timeout = config.data.retention;
  }
  if (config.backup.type == BackupType::kLitefsCloud && config.backup.url.empty()) {
    config.backup.url = kLitefsCloudUrl;
  }
}

}  // namespace skerry::config
