// What a node is told to do: every setting with its default, as plain values. The names are those
// of the configuration file with '-' as '_' (keys.h holds the table of keys). Filled by load.h,
// read-only afterwards, so any thread may read it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace skerry::config {

using Duration = std::chrono::nanoseconds;

struct FuseConfig {
  std::string dir = "/litefs";
  bool allow_other = false;
  bool debug = false;
  friend bool operator==(const FuseConfig&, const FuseConfig&) = default;
};

struct DataConfig {
  std::string dir = "/var/lib/litefs";
  bool compress = true;
  Duration retention = std::chrono::minutes(10);  // 0 or less: by age nothing is removed
  Duration retention_monitor_interval = std::chrono::minutes(1);
  uint64_t retention_bytes = 0;  // per database; 0: no limit
  friend bool operator==(const DataConfig&, const DataConfig&) = default;
};

struct ExecCommand {
  std::string cmd;  // as written
  bool if_candidate = false;
  bool if_primary = false;
  bool shell = false;
  std::vector<std::string> argv;  // what is to be executed; never empty
  friend bool operator==(const ExecCommand&, const ExecCommand&) = default;
};

struct HttpConfig {
  std::string addr = ":20202";
  Duration snapshot_timeout{0};  // resolved to data.retention where 0
  friend bool operator==(const HttpConfig&, const HttpConfig&) = default;
};

// How a request reaches the primary: from proxy to proxy, or replayed there by Fly's edge.
enum class ProxyMode : uint8_t { kAuto, kForward, kFlyReplay };
enum class ProxyUpgrades : uint8_t { kLocal, kPrimary };
// What becomes of a read whose position does not come in time.
enum class ProxyOnTimeout : uint8_t { kForward, kStale, kFail };

struct ProxyConfig {
  std::string addr;
  std::string target;  // empty: no proxy
  std::string db;      // one name, several separated by commas, or *
  bool debug = false;
  std::vector<std::string> passthrough;
  std::vector<std::string> always_forward;
  Duration primary_redirect_timeout = std::chrono::seconds(5);
  Duration max_lag = std::chrono::seconds(10);  // 0: health says nothing about lag
  Duration read_timeout{0};                     // 0: none
  Duration write_timeout{0};
  Duration read_header_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(30);
  Duration response_timeout = std::chrono::minutes(5);  // until it begins; 0: none
  Duration wait_timeout = std::chrono::seconds(5);
  ProxyMode mode = ProxyMode::kAuto;
  std::string forward_url;  // empty: derived from the primary's advertised URL
  std::vector<std::string> rules;
  ProxyUpgrades upgrades = ProxyUpgrades::kLocal;
  ProxyOnTimeout on_timeout = ProxyOnTimeout::kForward;
  std::string durability = "local";
  Duration durability_timeout = std::chrono::seconds(5);
  uint64_t max_body_bytes = 0;  // 0: no limit
  uint32_t threads = 0;         // 0: half of the machine's processors
  bool access_log = false;
  std::string secret;  // the cluster's
  friend bool operator==(const ProxyConfig&, const ProxyConfig&) = default;
};

enum class LeaseType : uint8_t { kConsul, kStatic };

struct ConsulConfig {
  std::string url;  // may hold a token: log::redact_url() before it is shown
  std::string key;
  Duration ttl = std::chrono::seconds(10);
  Duration lock_delay = std::chrono::seconds(1);
  friend bool operator==(const ConsulConfig&, const ConsulConfig&) = default;
};

struct LeaseConfig {
  LeaseType type = LeaseType::kStatic;  // must be given
  std::string hostname;                 // consul: resolved to the operating system's where empty
  std::string advertise_url;  // consul: resolved to http://<hostname>:<http port> where empty
  bool candidate = true;      // static: this node is the primary
  bool promote = false;
  Duration reconnect_delay = std::chrono::seconds(1);
  Duration demote_delay = std::chrono::seconds(10);
  Duration term = std::chrono::seconds(3);
  bool failsafe = true;
  std::vector<std::string> databases;  // empty: all
  ConsulConfig consul;
  friend bool operator==(const LeaseConfig&, const LeaseConfig&) = default;
};

struct ClusterConfig {
  std::string secret;  // empty: SKERRY_CLUSTER_SECRET, or none
  friend bool operator==(const ClusterConfig&, const ClusterConfig&) = default;
};

enum class BackupType : uint8_t { kNone, kFile, kLitefsCloud };

struct BackupConfig {
  BackupType type = BackupType::kNone;
  std::string path;
  std::string url;  // resolved to LiteFS Cloud's for that type where empty
  std::string cluster;
  std::string auth_token;
  friend bool operator==(const BackupConfig&, const BackupConfig&) = default;
};

enum class LogFormat : uint8_t { kText, kJson };

struct LogConfig {
  LogFormat format = LogFormat::kText;
  bool timestamp = false;
  bool debug = false;
  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

struct TracingConfig {
  bool enabled = true;
  std::string path;  // empty: no trace
  uint64_t max_size_bytes = 64ull << 20;
  uint32_t max_count = 8;
  bool compress = true;
  friend bool operator==(const TracingConfig&, const TracingConfig&) = default;
};

struct Config {
  FuseConfig fuse;
  DataConfig data;
  std::vector<ExecCommand> exec;  // in order; the last is supervised
  bool exit_on_error = true;      // false: stay up after a failed start, for somebody to look
  bool skip_sync = false;
  bool strict_verify = false;
  HttpConfig http;
  ProxyConfig proxy;
  LeaseConfig lease;
  ClusterConfig cluster;
  BackupConfig backup;
  LogConfig log;
  TracingConfig tracing;
  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace skerry::config
