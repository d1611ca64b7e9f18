#include "proxy/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "proxy/patterns.h"
#include "proxy/primary_address.h"

namespace skerry::proxy {
namespace {

Ms in_ms(config::Duration duration) {
  return std::chrono::ceil<Ms>(duration);
}

// One name, several separated by commas, or *.
void read_databases(std::string_view text, Settings& settings) {
  if (trimmed(text) == "*") {
    settings.tracked.all = true;
    return;
  }
  for (std::string_view name; next_element(text, name);) {
    settings.databases.emplace_back(name);
    settings.tracked.keys.push_back(db_key(name));
  }
  if (!settings.databases.empty()) settings.plain_database = settings.tracked.keys.front();
  std::ranges::sort(settings.tracked.keys);
}

Result<unsigned> read_durability(std::string_view text) {
  if (text == "local") return 0u;
  unsigned replicas = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), replicas);
  if (error == std::errc() && end == text.data() + text.size() && replicas > 0) return replicas;
  return fail(Errc::kInvalid,
              fmt::format("proxy.durability is \"{}\"; write local, or how many replicas must have "
                          "a write before its response is released",
                          text));
}

// Half of the machine: the application needs the other half.
unsigned threads_for(uint32_t wanted) {
  const unsigned half = std::max(1u, std::thread::hardware_concurrency() / 2);
  return std::min(wanted > 0 ? wanted : half, kThreadsMax);
}

void warn_of_regexes(std::string_view key, const std::vector<std::string>& patterns,
                     std::vector<std::string>& warnings) {
  for (const std::string& pattern : patterns) {
    if (!looks_like_regex(pattern)) continue;
    warnings.push_back(
        fmt::format("{} \"{}\" looks like a regular expression; only * is special, "
                    "and the pattern covers the whole path",
                    key, pattern));
  }
}

void read_times(const config::ProxyConfig& from, Settings& to) {
  to.wait_timeout = in_ms(from.wait_timeout);
  to.hold_timeout = in_ms(from.primary_redirect_timeout);
  to.max_lag = in_ms(from.max_lag);
  to.durability_timeout = in_ms(from.durability_timeout);
  to.head_timeout = in_ms(from.read_header_timeout);
  to.idle_timeout = in_ms(from.idle_timeout);
  to.request_timeout = in_ms(from.read_timeout);
  to.response_timeout = in_ms(from.write_timeout);
  to.answer_timeout = in_ms(from.response_timeout);
}

Status read_routes(const config::ProxyConfig& from, Settings& to,
                   std::vector<std::string>& warnings) {
  to.passthrough = from.passthrough;
  to.always_forward = from.always_forward;
  warn_of_regexes("proxy.passthrough", to.passthrough, warnings);
  warn_of_regexes("proxy.always-forward", to.always_forward, warnings);
  for (const std::string& text : from.rules) {
    TRY_ASSIGN(Rule rule, parse_rule(text));
    to.rules.push_back(std::move(rule));
  }
  to.upgrades = from.upgrades == config::ProxyUpgrades::kPrimary ? Place::kPrimary : Place::kLocal;
  return {};
}

}  // namespace

Result<Settings> settings_from(const config::Config& config, bool on_fly,
                               std::string_view node_name, std::vector<std::string>& warnings) {
  const config::ProxyConfig& proxy = config.proxy;
  Settings settings;
  const auto target = config::parse_address(proxy.target);
  const auto own = config::parse_address(proxy.addr);
  if (!target || !own) return fail(Errc::kInvalid, "proxy.addr and proxy.target: no addresses");
  settings.target = *target;
  if (settings.target.host.empty()) settings.target.host = "localhost";
  settings.own_port = own->port;
  settings.mode = proxy.mode;
  settings.on_fly = on_fly;
  settings.node_name = node_name;
  settings.secret = proxy.secret;
  TRY(check_forward_url(proxy.forward_url));
  settings.forward_url = proxy.forward_url;
  read_databases(proxy.db, settings);
  TRY(read_routes(proxy, settings, warnings));
  TRY_ASSIGN(settings.durability, read_durability(proxy.durability));
  settings.on_timeout = static_cast<OnTimeout>(proxy.on_timeout);
  read_times(proxy, settings);
  settings.body_bytes_max = proxy.max_body_bytes;
  settings.threads = threads_for(proxy.threads);
  settings.access_log = proxy.access_log;
  settings.debug = proxy.debug;
  return settings;
}

}  // namespace skerry::proxy
