#include "daemon/app/client/status_report.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "daemon/admin/human.h"
#include "daemon/log/escape.h"

namespace skerry::app {
namespace {

namespace json = boost::json;

std::string text(const json::value& from, const char* key) {
  std::string printable;
  const json::string& value = from.at(key).as_string();
  log::append_printable(printable, {value.data(), value.size()}, 1000);
  return printable;
}

uint64_t number(const json::value& from, const char* key) {
  return from.at(key).to_number<uint64_t>();
}

std::string lag_of(const json::value& lag) {
  if (lag.is_null()) return "not in sync yet";
  return fmt::format("{} ms behind", lag.to_number<int64_t>());
}

std::string name_or(const std::string& name, const char* otherwise) {
  return name.empty() ? otherwise : name;
}

void line(std::string& to, std::string_view name, std::string_view value) {
  to += fmt::format("{:<10}{}\n", name, value);
}

void write_node(std::string& to, const json::value& status) {
  const json::value& node = status.at("node");
  const std::string region = text(node, "region");
  line(to, "node",
       fmt::format("{}{} (id {}), Skerry {}", name_or(text(node, "hostname"), "without a name"),
                   region.empty() ? "" : " in " + region, text(node, "id"), text(node, "version")));
  const bool is_primary = text(node, "role") == "primary";
  line(to, "role",
       fmt::format("{}, epoch {}, {} lease{}", text(node, "role"), number(node, "epoch"),
                   text(node, "lease"),
                   is_primary || node.at("candidate").as_bool() ? "" : ", not a candidate"));
  const json::value& primary = status.at("primary");
  if (primary.is_null()) {
    line(to, "primary", "none is known");
  } else if (!is_primary) {
    line(to, "primary",
         fmt::format("{} ({})", name_or(text(primary, "hostname"), "without a name"),
                     text(primary, "url")));
  }
  if (!is_primary) line(to, "lag", lag_of(status.at("lagMs")));
  line(to, "state", node.at("ready").as_bool() ? "ready" : "not ready: " + text(node, "notReady"));
  line(to, "up", admin::human_span(node.at("upSeconds").to_number<int64_t>()));
  line(to, "cluster", name_or(text(node, "clusterId"), "not known yet"));
  line(to, "mount", text(node, "mountDir"));
  line(to, "data", text(node, "dataDir"));
}

std::string database_line(const json::value& database, size_t width) {
  const std::string age =
      text(database, "lastCommit").empty()
          ? "never"
          : admin::human_span(std::max<int64_t>(database.at("ageMs").to_number<int64_t>(), 0) /
                              1000) +
                " ago";
  return fmt::format("  {:<{}}  {}/{}  {:>8}  {}\n", text(database, "name"), width,
                     text(database, "txid"), text(database, "checksum"),
                     admin::human_size(number(database, "bytes")), age);
}

void write_databases(std::string& to, const json::value& status) {
  const json::array& databases = status.at("databases").as_array();
  size_t width = 4;
  for (const json::value& database : databases) {
    width = std::max(width, text(database, "name").size());
  }
  if (databases.empty()) {
    to += "\nno databases\n";
  } else {
    to += fmt::format("\ndatabases\n  {:<{}}  {:<33}  {:>8}  last commit\n", "name", width,
                      "position (txid/checksum)", "size");
  }
  for (const json::value& database : databases) to += database_line(database, width);
  for (const json::value& broken : status.at("broken").as_array()) {
    to += fmt::format("  {}  BROKEN: {}\n", text(broken, "name"), text(broken, "error"));
  }
}

void write_streams(std::string& to, const json::value& status) {
  const json::array& streams = status.at("streams").as_array();
  if (!streams.empty()) to += "\nstreams\n";
  for (const json::value& stream : streams) {
    const std::string region = text(stream, "region");
    to +=
        fmt::format("  {} {}{}  {}  {} on the wire for {}, {} transactions\n",
                    text(stream, "direction") == "to-replica" ? "to" : "from",
                    name_or(text(stream, "peer"), "?"), region.empty() ? "" : " in " + region,
                    lag_of(stream.at("lagMs")), admin::human_size(number(stream, "wireBytes")),
                    admin::human_size(number(stream, "pageBytes")), number(stream, "transactions"));
  }
}

void write_obstacles(std::string& to, const json::value& status) {
  const json::array& obstacles = status.at("obstacles").as_array();
  if (!obstacles.empty()) to += "\nheld up by\n";
  for (const json::value& obstacle : obstacles) {
    to += fmt::format("  {}: {} (pid {}), {} for {} s\n", text(obstacle, "db"),
                      name_or(text(obstacle, "program"), "a process"),
                      obstacle.at("pid").to_number<int64_t>(), text(obstacle, "kind"),
                      number(obstacle, "sinceMs") / 1000);
  }
}

}  // namespace

Result<std::string> status_report(std::string_view json_text) {
  try {
    const json::value status = json::parse({json_text.data(), json_text.size()});
    std::string report;
    write_node(report, status);
    write_databases(report, status);
    write_streams(report, status);
    write_obstacles(report, status);
    return report;
  } catch (const std::exception& error) {  // the library's way to say that something is missing
    return fail(Errc::kCorrupt,
                fmt::format("what answers there is not a node of this version ({})", error.what()));
  }
}

}  // namespace skerry::app
