#include "daemon/config/keys.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <set>

#include "daemon/config/print.h"
#include "tests/unit/config/support.h"

namespace skerry::config {
namespace {

using namespace std::chrono_literals;

// One row per key: what a file may say, and how to see that it arrived.
struct Row {
  const char* key;
  const char* value;
  bool (*arrived)(const Config&);
};

const std::vector<Row>& rows() {
  using C = const Config&;
  using Texts = std::vector<std::string>;
  static const std::vector<Row> kRows = {
      {"fuse.dir", "/mnt/db", [](C c) { return c.fuse.dir == "/mnt/db"; }},
      {"fuse.allow-other", "yes", [](C c) { return c.fuse.allow_other; }},
      {"fuse.debug", "true", [](C c) { return c.fuse.debug; }},
      {"data.dir", "/data", [](C c) { return c.data.dir == "/data"; }},
      {"data.compress", "false", [](C c) { return !c.data.compress; }},
      {"data.retention", "-1s", [](C c) { return c.data.retention == -1s; }},
      {"data.retention-monitor-interval", "90s",
       [](C c) { return c.data.retention_monitor_interval == 90s; }},
      {"data.retention-bytes", "1GB", [](C c) { return c.data.retention_bytes == 1'000'000'000; }},
      {"exec", "npm start",
       [](C c) { return c.exec.size() == 1 && c.exec[0].argv == Texts{"npm", "start"}; }},
      {"exit-on-error", "off", [](C c) { return !c.exit_on_error; }},
      {"skip-sync", "on", [](C c) { return c.skip_sync; }},
      {"strict-verify", "True", [](C c) { return c.strict_verify; }},
      {"http.addr", "127.0.0.1:1", [](C c) { return c.http.addr == "127.0.0.1:1"; }},
      {"http.snapshot-timeout", "1h", [](C c) { return c.http.snapshot_timeout == 1h; }},
      {"proxy.addr", ":8080", [](C c) { return c.proxy.addr == ":8080"; }},
      {"proxy.target", "", [](C c) { return c.proxy.target.empty(); }},
      {"proxy.db", "app.db", [](C c) { return c.proxy.db == "app.db"; }},
      {"proxy.debug", "true", [](C c) { return c.proxy.debug; }},
      {"proxy.passthrough", "['*.ico', /x]",
       [](C c) { return c.proxy.passthrough == Texts{"*.ico", "/x"}; }},
      {"proxy.always-forward", "[/api/*]",
       [](C c) { return c.proxy.always_forward == Texts{"/api/*"}; }},
      {"proxy.primary-redirect-timeout", "1s",
       [](C c) { return c.proxy.primary_redirect_timeout == 1s; }},
      {"proxy.max-lag", "0", [](C c) { return c.proxy.max_lag == 0s; }},
      {"proxy.read-timeout", "2s", [](C c) { return c.proxy.read_timeout == 2s; }},
      {"proxy.write-timeout", "3s", [](C c) { return c.proxy.write_timeout == 3s; }},
      {"proxy.read-header-timeout", "4s", [](C c) { return c.proxy.read_header_timeout == 4s; }},
      {"proxy.idle-timeout", "5s", [](C c) { return c.proxy.idle_timeout == 5s; }},
      {"proxy.response-timeout", "6s", [](C c) { return c.proxy.response_timeout == 6s; }},
      {"proxy.wait-timeout", "7s", [](C c) { return c.proxy.wait_timeout == 7s; }},
      {"proxy.on-timeout", "stale",
       [](C c) { return c.proxy.on_timeout == ProxyOnTimeout::kStale; }},
      {"proxy.mode", "fly-replay", [](C c) { return c.proxy.mode == ProxyMode::kFlyReplay; }},
      {"proxy.forward-url", "'http://{hostname}:8080'",
       [](C c) { return c.proxy.forward_url == "http://{hostname}:8080"; }},
      {"proxy.rules", "['GET /x primary']",
       [](C c) { return c.proxy.rules == Texts{"GET /x primary"}; }},
      {"proxy.upgrades", "primary",
       [](C c) { return c.proxy.upgrades == ProxyUpgrades::kPrimary; }},
      {"proxy.durability", "2", [](C c) { return c.proxy.durability == "2"; }},
      {"proxy.durability-timeout", "8s", [](C c) { return c.proxy.durability_timeout == 8s; }},
      {"proxy.max-body-size", "1MiB", [](C c) { return c.proxy.max_body_bytes == 1u << 20; }},
      {"proxy.threads", "3", [](C c) { return c.proxy.threads == 3; }},
      {"proxy.access-log", "true", [](C c) { return c.proxy.access_log; }},
      {"proxy.secret", "s", [](C c) { return c.proxy.secret == "s"; }},
      {"lease.type", "consul", [](C c) { return c.lease.type == LeaseType::kConsul; }},
      {"lease.hostname", "ams-1", [](C c) { return c.lease.hostname == "ams-1"; }},
      {"lease.advertise-url", "http://h:1",
       [](C c) { return c.lease.advertise_url == "http://h:1"; }},
      {"lease.candidate", "false", [](C c) { return !c.lease.candidate; }},
      {"lease.promote", "true", [](C c) { return c.lease.promote; }},
      {"lease.reconnect-delay", "6s", [](C c) { return c.lease.reconnect_delay == 6s; }},
      {"lease.demote-delay", "7s", [](C c) { return c.lease.demote_delay == 7s; }},
      {"lease.term", "5s", [](C c) { return c.lease.term == 5s; }},
      {"lease.failsafe", "false", [](C c) { return !c.lease.failsafe; }},
      {"lease.databases", "[]", [](C c) { return c.lease.databases.empty(); }},
      {"lease.consul.url", "http://c:8500",
       [](C c) { return c.lease.consul.url == "http://c:8500"; }},
      {"lease.consul.key", "app/primary", [](C c) { return c.lease.consul.key == "app/primary"; }},
      {"lease.consul.ttl", "15s", [](C c) { return c.lease.consul.ttl == 15s; }},
      {"lease.consul.lock-delay", "0s", [](C c) { return c.lease.consul.lock_delay == 0s; }},
      {"backup.type", "litefs-cloud",
       [](C c) { return c.backup.type == BackupType::kLitefsCloud; }},
      {"backup.path", "/b", [](C c) { return c.backup.path == "/b"; }},
      {"backup.url", "https://b", [](C c) { return c.backup.url == "https://b"; }},
      {"backup.cluster", "c1", [](C c) { return c.backup.cluster == "c1"; }},
      {"backup.auth-token", "FlyV1 x", [](C c) { return c.backup.auth_token == "FlyV1 x"; }},
      {"cluster.secret", "s e c", [](C c) { return c.cluster.secret == "s e c"; }},
      {"log.format", "json", [](C c) { return c.log.format == LogFormat::kJson; }},
      {"log.timestamp", "true", [](C c) { return c.log.timestamp; }},
      {"log.debug", "true", [](C c) { return c.log.debug; }},
      {"tracing.enabled", "false", [](C c) { return !c.tracing.enabled; }},
      {"tracing.path", "/var/log/t", [](C c) { return c.tracing.path == "/var/log/t"; }},
      {"tracing.max-size", "10", [](C c) { return c.tracing.max_size_bytes == 10u << 20; }},
      {"tracing.max-count", "3", [](C c) { return c.tracing.max_count == 3; }},
      {"tracing.compress", "false", [](C c) { return !c.tracing.compress; }},
  };
  return kRows;
}

// A file in block form. The map's order keeps the keys of a section together.
std::string file_of(const std::map<std::string, std::string>& settings) {
  std::string text;
  std::string section;
  for (const auto& [path, value] : settings) {
    std::string indent;
    size_t begin = 0;
    for (size_t dot = 0; (dot = path.find('.', begin)) != std::string::npos; begin = dot + 1) {
      const std::string heading = path.substr(0, dot + 1);
      if (!section.starts_with(heading)) {
        text += fmt::format("{}{}:\n", indent, path.substr(begin, dot - begin));
      }
      indent += "  ";
    }
    section = path.substr(0, begin);
    text += fmt::format("{}{}: {}\n", indent, path.substr(begin), value);
  }
  return text;
}

// The row's key with what else makes a valid file of it.
std::string valid_file_with(const Row& row) {
  std::map<std::string, std::string> settings = {{"lease.type", "static"}};
  const std::string_view key = row.key;
  if (key == "lease.candidate") settings["lease.advertise-url"] = "http://p:1";
  if (key == "lease.type") {
    settings["lease.consul.url"] = "http://c:8500";
    settings["lease.consul.key"] = "k";
  }
  settings[row.key] = row.value;
  return file_of(settings);
}

TEST_CASE("every key of the table is read from a file") {
  std::set<std::string_view> tested;
  for (const Row& row : rows()) {
    CAPTURE(row.key);
    tested.insert(row.key);
    const std::string text = valid_file_with(row);
    CAPTURE(text);
    const auto parsed = parse_with(text);
    if (!parsed) FAIL(parsed.error().message());
    CHECK(row.arrived(parsed->config));
    const Key* key = find_key(row.key);
    REQUIRE(key != nullptr);
    bool warned = false;
    for (const std::string& warning : parsed->warnings) {
      warned = warned || warning.contains(std::string(row.key) + " is not yet supported");
    }
    CHECK(warned == (key->support == Support::kNotYet));
  }
  for (const Key& key : keys()) {
    CAPTURE(key.path);
    CHECK(tested.contains(key.path));
  }
}

TEST_CASE("every key is documented in a sentence and prints") {
  const std::string printed = print(Config{});
  for (const Key& key : keys()) {
    CAPTURE(key.path);
    CHECK(key.doc.size() > 10);
    CHECK(key.doc.ends_with('.'));
    CHECK(find_key(key.path) == &key);
    const std::string leaf(key.path.substr(key.path.rfind('.') + 1));
    CHECK(printed.contains(leaf + ":"));
  }
  for (const std::string_view name : exec_entry_keys()) {
    CHECK(find_key("exec")->doc.contains(name));
  }
}

TEST_CASE("sections are those that hold keys") {
  CHECK(is_section("lease"));
  CHECK(is_section("lease.consul"));
  CHECK_FALSE(is_section("lease.type"));
  CHECK_FALSE(is_section("leas"));
  CHECK_FALSE(is_section(""));
  CHECK(find_key("lease") == nullptr);
}

TEST_CASE("the defaults are LiteFS's") {
  const auto parsed = parse_with(kLeast);
  REQUIRE(parsed);
  CHECK(parsed->warnings.empty());
  const Config& c = parsed->config;
  CHECK(c.fuse.dir == "/litefs");
  CHECK(c.data.dir == "/var/lib/litefs");
  CHECK(c.data.compress);
  CHECK(c.data.retention == 10min);
  CHECK(c.data.retention_monitor_interval == 1min);
  CHECK(c.data.retention_bytes == 0);
  CHECK(c.exec.empty());
  CHECK(c.exit_on_error);
  CHECK_FALSE(c.skip_sync);
  CHECK(c.http.addr == ":20202");
  CHECK(c.http.snapshot_timeout == 10min);
  CHECK(c.proxy.target.empty());
  CHECK(c.proxy.primary_redirect_timeout == 5s);
  CHECK(c.proxy.max_lag == 10s);
  CHECK(c.proxy.read_timeout == 0s);
  CHECK(c.proxy.write_timeout == 0s);
  CHECK(c.proxy.read_header_timeout == 10s);
  CHECK(c.proxy.idle_timeout == 30s);
  CHECK(c.proxy.wait_timeout == 5s);
  CHECK(c.proxy.mode == ProxyMode::kAuto);
  CHECK(c.proxy.durability == "local");
  CHECK(c.lease.hostname.empty());
  CHECK(c.lease.advertise_url.empty());
  CHECK(c.lease.candidate);
  CHECK_FALSE(c.lease.promote);
  CHECK(c.lease.reconnect_delay == 1s);
  CHECK(c.lease.demote_delay == 10s);
  CHECK(c.lease.term == 3s);
  CHECK(c.lease.failsafe);
  CHECK(c.lease.consul.ttl == 10s);
  CHECK(c.lease.consul.lock_delay == 1s);
  CHECK(c.backup.type == BackupType::kNone);
  CHECK(c.log.format == LogFormat::kText);
  CHECK(c.tracing.enabled);
  CHECK(c.tracing.max_size_bytes == 64u << 20);
  CHECK(c.tracing.max_count == 8);
  CHECK(c.tracing.compress);
}

}  // namespace
}  // namespace skerry::config
