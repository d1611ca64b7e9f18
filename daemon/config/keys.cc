#include "daemon/config/keys.h"

#include <algorithm>
#include <array>

namespace skerry::config {
namespace {

using namespace std::chrono_literals;

// The member at the end of a chain: at<&Config::lease, &LeaseConfig::candidate>.
template <auto... Members>
auto& at(Config& config) {
  return (config.*....*Members);
}

template <auto... Members>
constexpr Choice choice(std::span<const std::string_view> names) {
  using Enum = std::remove_reference_t<decltype(at<Members...>(std::declval<Config&>()))>;
  return {names, [](const Config& config) { return static_cast<uint8_t>((config.*....*Members)); },
          [](Config& config, uint8_t place) { at<Members...>(config) = static_cast<Enum>(place); }};
}

constexpr auto kNotYet = Support::kNotYet;
constexpr Duration kAnyNegative = Duration::min();

// In the order of the enumerations.
constexpr std::array<std::string_view, 2> kLeaseTypes = {"consul", "static"};
constexpr std::array<std::string_view, 3> kBackupTypes = {"", "file", "litefs-cloud"};
constexpr std::array<std::string_view, 2> kLogFormats = {"text", "json"};

constexpr std::array<std::string_view, 3> kProxyModes = {"auto", "forward", "fly-replay"};
constexpr std::array<std::string_view, 2> kProxyUpgrades = {"local", "primary"};
constexpr std::array<std::string_view, 3> kProxyOnTimeouts = {"forward", "stale", "fail"};

constexpr std::array<std::string_view, 4> kExecEntryKeys = {"cmd", "if-candidate", "if-primary",
                                                            "shell"};

constexpr auto kFuse = &Config::fuse;
constexpr auto kData = &Config::data;
constexpr auto kHttp = &Config::http;
constexpr auto kProxy = &Config::proxy;
constexpr auto kLease = &Config::lease;
constexpr auto kConsul = &LeaseConfig::consul;
constexpr auto kBackup = &Config::backup;
constexpr auto kLog = &Config::log;
constexpr auto kTracing = &Config::tracing;

constexpr Key kKeys[] = {
    {.path = "fuse.dir",
     .access = at<kFuse, &FuseConfig::dir>,
     .doc = "The folder in which applications see the databases; created if absent."},
    {.path = "fuse.allow-other",
     .access = at<kFuse, &FuseConfig::allow_other>,
     .doc = "Lets users other than the daemon's own into the mount; as root no fuse.conf is "
            "needed."},
    {.path = "fuse.debug",
     .access = at<kFuse, &FuseConfig::debug>,
     .doc = "Logs every file-system request."},

    {.path = "data.dir",
     .access = at<kData, &DataConfig::dir>,
     .doc = "Where databases and transaction files are kept; applications must not touch it."},
    {.path = "data.compress",
     .access = at<kData, &DataConfig::compress>,
     .doc = "Compresses transaction files."},
    {.path = "data.retention",
     .access = at<kData, &DataConfig::retention>,
     .doc = "For how long transaction files are kept for replicas to catch up from; 0: for ever.",
     .min = kAnyNegative},
    {.path = "data.retention-monitor-interval",
     .access = at<kData, &DataConfig::retention_monitor_interval>,
     .doc = "How often files past their retention are looked for.",
     .min = 1ms},
    {.path = "data.retention-bytes",
     .access = at<kData, &DataConfig::retention_bytes>,
     .doc = "How many bytes of transaction files a database may keep; 0: no limit."},

    {.path = "exec",
     .access = at<&Config::exec>,
     .doc = "Commands to run once the node is ready: one, or a list of entries with cmd, "
            "if-candidate (only on nodes that may be primary), if-primary (only on the node that is the "
            "primary when its turn comes: migrations) and shell (through /bin/sh -c). All "
            "but the last run to their end, the last is supervised."},
    {.path = "exit-on-error",
     .access = at<&Config::exit_on_error>,
     .doc = "Ends the process when the start fails; false keeps it for somebody to look."},
    {.path = "skip-sync",
     .access = at<&Config::skip_sync>,
     .doc = "Runs exec at once instead of waiting until the node is in sync."},
    {.path = "strict-verify",
     .access = at<&Config::strict_verify>,
     .doc = "Verifies the whole database after each transaction; for tests.",
     .support = kNotYet},

    {.path = "http.addr",
     .access = at<kHttp, &HttpConfig::addr>,
     .doc = "Where other nodes and tools reach this node."},
    {.path = "http.snapshot-timeout",
     .access = at<kHttp, &HttpConfig::snapshot_timeout>,
     .doc = "How long one snapshot may take to send; 0: as long as data.retention."},

    {.path = "proxy.addr",
     .access = at<kProxy, &ProxyConfig::addr>,
     .doc = "Where the proxy listens."},
    {.path = "proxy.target",
     .access = at<kProxy, &ProxyConfig::target>,
     .doc = "The application behind the proxy; without it there is no proxy."},
    {.path = "proxy.db",
     .access = at<kProxy, &ProxyConfig::db>,
     .doc = "The database whose position the proxy tracks for each client; several separated by "
            "commas, or * for all."},
    {.path = "proxy.debug",
     .access = at<kProxy, &ProxyConfig::debug>,
     .doc = "Logs the proxy's decisions."},
    {.path = "proxy.passthrough",
     .access = at<kProxy, &ProxyConfig::passthrough>,
     .doc = "Paths that go straight to the application; * stands for anything."},
    {.path = "proxy.always-forward",
     .access = at<kProxy, &ProxyConfig::always_forward>,
     .doc = "Paths that go to the primary whatever the method; * stands for anything."},
    {.path = "proxy.primary-redirect-timeout",
     .access = at<kProxy, &ProxyConfig::primary_redirect_timeout>,
     .doc = "How long a write is held while no primary is known."},
    {.path = "proxy.max-lag",
     .access = at<kProxy, &ProxyConfig::max_lag>,
     .doc = "The lag from which on the health check fails; 0: it never does for that."},
    {.path = "proxy.read-timeout",
     .access = at<kProxy, &ProxyConfig::read_timeout>,
     .doc = "How long a client may take for a whole request; 0: no limit."},
    {.path = "proxy.write-timeout",
     .access = at<kProxy, &ProxyConfig::write_timeout>,
     .doc = "How long a response may take; 0: no limit."},
    {.path = "proxy.read-header-timeout",
     .access = at<kProxy, &ProxyConfig::read_header_timeout>,
     .doc = "How long a client may take for a request's headers; 0: no limit."},
    {.path = "proxy.idle-timeout",
     .access = at<kProxy, &ProxyConfig::idle_timeout>,
     .doc = "How long a connection may wait for its next request; 0: no limit."},
    {.path = "proxy.response-timeout",
     .access = at<kProxy, &ProxyConfig::response_timeout>,
     .doc = "How long the application may take to begin its response; 0: no limit."},
    {.path = "proxy.wait-timeout",
     .access = at<kProxy, &ProxyConfig::wait_timeout>,
     .doc = "How long a read waits for this node to be where its client was."},
    {.path = "proxy.on-timeout",
     .access = choice<kProxy, &ProxyConfig::on_timeout>(kProxyOnTimeouts),
     .doc = "What becomes of a read that waited in vain: forward sends it to the primary, stale "
            "answers from what is here, fail answers 504."},
    {.path = "proxy.mode",
     .access = choice<kProxy, &ProxyConfig::mode>(kProxyModes),
     .doc = "How requests reach the primary: forward sends them to its proxy, fly-replay asks "
            "Fly.io's edge to, auto does the latter where that edge is in front."},
    {.path = "proxy.forward-url",
     .access = at<kProxy, &ProxyConfig::forward_url>,
     .doc = "The primary's proxy, where it is not at the host of its advertise-url with this "
            "node's own proxy port; {hostname} stands for its host name."},
    {.path = "proxy.rules",
     .access = at<kProxy, &ProxyConfig::rules>,
     .doc = "Where single routes go, the first that fits: METHODS PATH local|primary "
            "[Header[=pattern]]."},
    {.path = "proxy.upgrades",
     .access = choice<kProxy, &ProxyConfig::upgrades>(kProxyUpgrades),
     .doc = "Where WebSockets and other upgrades go: local or primary."},
    {.path = "proxy.durability",
     .access = at<kProxy, &ProxyConfig::durability>,
     .doc = "Whether a response waits until this many replicas have what it tells of; local: it "
            "does not."},
    {.path = "proxy.durability-timeout",
     .access = at<kProxy, &ProxyConfig::durability_timeout>,
     .doc = "How long such a response waits before 503 says that the write is in doubt."},
    {.path = "proxy.max-body-size",
     .access = at<kProxy, &ProxyConfig::max_body_bytes>,
     .doc = "The size of a request's body past which it is refused; 0: no limit."},
    {.path = "proxy.threads",
     .access = at<kProxy, &ProxyConfig::threads>,
     .doc = "How many threads serve the proxy; 0: half as many as there are processors."},
    {.path = "proxy.access-log",
     .access = at<kProxy, &ProxyConfig::access_log>,
     .doc = "Logs a line for each request."},
    {.path = "proxy.secret",
     .access = at<kProxy, &ProxyConfig::secret>,
     .doc = "A secret that all nodes share; clients' tokens and forwarded requests are signed "
            "with it.",
     .secret = Secret::kText},

    {.path = "lease.type",
     .access = choice<kLease, &LeaseConfig::type>(kLeaseTypes),
     .doc = "Who decides which node is the primary: consul, or static for a fixed one.",
     .required = true},
    {.path = "lease.hostname",
     .access = at<kLease, &LeaseConfig::hostname>,
     .doc = "This node's name for applications, as the .primary file of the others shows it."},
    {.path = "lease.advertise-url",
     .access = at<kLease, &LeaseConfig::advertise_url>,
     .doc = "Under which URL other nodes reach this one; static: the primary's, on every node."},
    {.path = "lease.candidate",
     .access = at<kLease, &LeaseConfig::candidate>,
     .doc = "Whether this node may become the primary; static: whether it is."},
    {.path = "lease.promote",
     .access = at<kLease, &LeaseConfig::promote>,
     .doc = "Makes this node ask for the primary's role once it is in sync.",
     .support = kNotYet},
    {.path = "lease.reconnect-delay",
     .access = at<kLease, &LeaseConfig::reconnect_delay>,
     .doc = "How long to wait before connecting to the primary again."},
    {.path = "lease.demote-delay",
     .access = at<kLease, &LeaseConfig::demote_delay>,
     .doc = "How long a node that gave up the role does not ask for it again.",
     .support = kNotYet},
    {.path = "lease.term",
     .access = at<kLease, &LeaseConfig::term>,
     .doc = "After how long without a sign of the primary another node takes its place.",
     .min = 1s,
     .max = 60s},
    {.path = "lease.failsafe",
     .access = at<kLease, &LeaseConfig::failsafe>,
     .doc = "Lets the primary go on without Consul as long as every candidate promises to wait."},
    {.path = "lease.databases",
     .access = at<kLease, &LeaseConfig::databases>,
     .doc = "The databases that this replica follows; none named: all."},
    {.path = "lease.consul.url",
     .access = at<kLease, kConsul, &ConsulConfig::url>,
     .doc = "Consul's URL; the password in it is the access token, its path precedes the key.",
     .secret = Secret::kUrl},
    {.path = "lease.consul.key",
     .access = at<kLease, kConsul, &ConsulConfig::key>,
     .doc = "The key that the primary holds; one per cluster."},
    {.path = "lease.consul.ttl",
     .access = at<kLease, kConsul, &ConsulConfig::ttl>,
     .doc = "After how long without renewal Consul ends the session; Consul takes 10s to 24h.",
     .min = 10s,
     .max = 24h},
    {.path = "lease.consul.lock-delay",
     .access = at<kLease, kConsul, &ConsulConfig::lock_delay>,
     .doc = "For how long nobody gets the key after a session's end; Consul takes up to 60s.",
     .max = 60s},

    {.path = "backup.type",
     .access = choice<kBackup, &BackupConfig::type>(kBackupTypes),
     .doc = "Where backups go: file or litefs-cloud; empty: nowhere.",
     .support = kNotYet},
    {.path = "backup.path",
     .access = at<kBackup, &BackupConfig::path>,
     .doc = "The folder of file backups.",
     .support = kNotYet},
    {.path = "backup.url",
     .access = at<kBackup, &BackupConfig::url>,
     .doc = "The backup service.",
     .support = kNotYet,
     .secret = Secret::kUrl},
    {.path = "backup.cluster",
     .access = at<kBackup, &BackupConfig::cluster>,
     .doc = "The cluster's name at the backup service.",
     .support = kNotYet},
    {.path = "backup.auth-token",
     .access = at<kBackup, &BackupConfig::auth_token>,
     .doc = "The token for the backup service.",
     .support = kNotYet,
     .secret = Secret::kText},

    {.path = "cluster.secret",
     .access = at<&Config::cluster, &ClusterConfig::secret>,
     .doc = "A secret of at least 16 characters that all nodes share: with it other machines may "
            "change something through the node API, and nobody follows the stream without it. Also "
            "taken from SKERRY_CLUSTER_SECRET.",
     .secret = Secret::kText},

    {.path = "log.format",
     .access = choice<kLog, &LogConfig::format>(kLogFormats),
     .doc = "text for people, json for machines; one line per event on stderr."},
    {.path = "log.timestamp",
     .access = at<kLog, &LogConfig::timestamp>,
     .doc = "Begins text lines with the time; JSON lines always carry it."},
    {.path = "log.debug", .access = at<kLog, &LogConfig::debug>, .doc = "Logs details, too."},

    {.path = "tracing.enabled",
     .access = at<kTracing, &TracingConfig::enabled>,
     .doc = "Writes a trace of internal events, if tracing.path is set.",
     .support = kNotYet},
    {.path = "tracing.path",
     .access = at<kTracing, &TracingConfig::path>,
     .doc = "The trace file.",
     .support = kNotYet},
    {.path = "tracing.max-size",
     .access = at<kTracing, &TracingConfig::max_size_bytes>,
     .doc = "The size at which a new trace file begins; a plain number counts MiB.",
     .support = kNotYet,
     .plain_unit_bytes = 1ull << 20},
    {.path = "tracing.max-count",
     .access = at<kTracing, &TracingConfig::max_count>,
     .doc = "How many old trace files are kept.",
     .support = kNotYet},
    {.path = "tracing.compress",
     .access = at<kTracing, &TracingConfig::compress>,
     .doc = "Compresses old trace files.",
     .support = kNotYet},
};

}  // namespace

std::span<const Key> keys() {
  return kKeys;
}

std::span<const std::string_view> exec_entry_keys() {
  return kExecEntryKeys;
}

const Key* find_key(std::string_view path) {
  const auto* found = std::ranges::find(kKeys, path, &Key::path);
  return found == std::end(kKeys) ? nullptr : found;
}

bool is_section(std::string_view path) {
  return std::ranges::any_of(kKeys, [&](const Key& key) {
    return key.path.size() > path.size() && key.path.starts_with(path) &&
           key.path[path.size()] == '.';
  });
}

}  // namespace skerry::config
