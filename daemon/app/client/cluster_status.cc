// skerry cluster status: asks each node that a node knows of.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "daemon/app/cli/cluster_commands.h"
#include "daemon/app/client/outcome.h"
#include "daemon/log/escape.h"
#include "daemon/net/http_client.h"

namespace skerry::app {
namespace {

namespace bj = boost::json;

constexpr std::chrono::seconds kAnswerMax{3};
constexpr size_t kNodesMax = 256;

Result<bj::object> ask(const std::string& url, std::string_view path) {
  net::Call call;
  call.url = net::make_url(url, path);
  call.connect_deadline = kAnswerMax;
  call.total_max = kAnswerMax;
  TRY_ASSIGN(const net::Reply reply, net::call_and_check(call));
  boost::system::error_code error;
  bj::value value = bj::parse(reply.body, error);
  if (error || !value.is_object()) return fail(Errc::kCorrupt, url + ": no node's answer");
  return std::move(value.as_object());
}

// What another machine says is not to reach the terminal as it is.
std::string text(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  std::string printable;
  if (value != nullptr && value->is_string()) {
    const bj::string& raw = value->as_string();
    log::append_printable(printable, {raw.data(), raw.size()}, 500);
  } else if (value != nullptr && value->is_number()) {
    printable = bj::serialize(*value);
  }
  return printable;
}

const bj::object& object_in(const bj::object& object, std::string_view key) {
  static const bj::object kNone;
  const bj::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->as_object() : kNone;
}

const bj::array& array_in(const bj::object& object, std::string_view key) {
  static const bj::array kNone;
  const bj::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->as_array() : kNone;
}

bj::object look_at(const std::string& url, const std::string& name) {
  bj::object node{{"name", name}, {"url", url}};
  const auto status = ask(url, "/skerry/status");
  if (!status) {
    node["error"] = status.error().message();
    return node;
  }
  node["status"] = *status;
  if (const auto lease = ask(url, "/skerry/cluster")) node["lease"] = *lease;
  return node;
}

void add_line(std::string& to, const bj::object& node) {
  const bj::object& status = object_in(node, "status");
  const bj::object& own = object_in(status, "node");
  const bj::object& lease = object_in(node, "lease");
  const std::string name = text(node, "name").empty() ? text(node, "url") : text(node, "name");
  if (own.empty()) {
    to += fmt::format("{:<20} does not answer: {}\n", name, text(node, "error"));
    return;
  }
  const bool is_primary = text(own, "role") == "primary";
  const std::string lag = is_primary                        ? ""
                          : text(status, "lagMs").empty() ? ", not in sync yet"
                                                            : ", " + text(status, "lagMs") +
                                                                  " ms behind";
  const std::string right = text(lease, "rightMs");
  to += fmt::format("{:<20} {}{}, epoch {}{}{}\n", name, text(own, "role"),
                    text(own, "region").empty() ? "" : " in " + text(own, "region"),
                    text(own, "epoch"), lag,
                    right.empty() ? "" : ", may write for " + right + " ms unrenewed");
  if (const std::string why = text(lease, "reason"); !why.empty()) to += "  " + why + "\n";
  if (const std::string why = text(own, "notReady"); !why.empty()) {
    to += "  not ready: " + why + "\n";
  }
  for (const bj::value& database : array_in(status, "databases")) {
    if (!database.is_object()) continue;
    to += fmt::format("  {} at {}/{}\n", text(database.as_object(), "name"),
                      text(database.as_object(), "txid"), text(database.as_object(), "checksum"));
  }
}

// Replicas of a fixed primary are known by their streams alone.
void add_streams(std::string& to, const bj::array& nodes) {
  for (const bj::value& node : nodes) {
    const bj::object& status = object_in(node.as_object(), "status");
    if (text(object_in(status, "node"), "role") != "primary") continue;
    for (const bj::value& value : array_in(status, "streams")) {
      if (!value.is_object()) continue;
      const bj::object& stream = value.as_object();
      const std::string peer = text(stream, "peer");
      const bool listed = std::ranges::any_of(nodes, [&](const bj::value& other) {
        return text(other.as_object(), "name") == peer;
      });
      if (!listed) to += fmt::format("{:<20} follows the primary's stream\n", peer);
    }
  }
}

Result<std::string> cluster_status(const ClusterStatusCommand& command) {
  TRY_ASSIGN(const bj::object view, ask(command.url, "/skerry/cluster"));
  bj::array nodes;
  std::vector<std::string> seen;
  const auto add = [&](const std::string& url, const std::string& name) {
    const bool known = std::ranges::find(seen, url) != seen.end();
    if (url.empty() || known || seen.size() == kNodesMax) return;
    seen.push_back(url);
    nodes.push_back(look_at(url, name));
  };
  const bj::object& primary = object_in(view, "primary");
  add(text(primary, "url"), text(primary, "name"));
  const bj::object& self = object_in(view, "self");
  add(text(self, "url").empty() ? command.url : text(self, "url"), text(self, "name"));
  for (const bj::value& node : array_in(view, "nodes")) {
    if (node.is_object()) add(text(node.as_object(), "url"), text(node.as_object(), "name"));
  }
  if (command.json) return bj::serialize(nodes) + "\n";
  std::string report;
  if (primary.empty()) report += "no primary is known: " + text(view, "reason") + "\n";
  for (const bj::value& node : nodes) add_line(report, node.as_object());
  add_streams(report, nodes);
  return report;
}

}  // namespace

int execute(const ClusterStatusCommand& command) {
  const auto report = cluster_status(command);
  return emit(report ? Output{0, *report, ""} : failure(report.error()));
}

}  // namespace skerry::app
