#include "daemon/app/client/failover_report.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "daemon/log/escape.h"

namespace skerry::app {
namespace {

namespace json = boost::json;

constexpr size_t kTextMax = 1000;

std::string text(const json::value& from, const char* key) {
  std::string printable;
  const json::string& value = from.at(key).as_string();
  log::append_printable(printable, {value.data(), value.size()}, kTextMax);
  return printable;
}

std::string outcome(const json::value& report) {
  const std::string pause =
      fmt::format("{} ms", report.at("pauseMs").to_number<int64_t>());
  if (report.at("handedOver").as_bool()) {
    return fmt::format("{} is the primary now, in place of {}; writes waited {}\n",
                       text(report, "to"), text(report, "from"), pause);
  }
  if (const json::value* error = report.as_object().if_contains("error");
      error != nullptr && error->is_string()) {
    return fmt::format("{} stays the primary: {}\n", text(report, "from"), text(report, "error"));
  }
  return fmt::format("{} would become the primary in place of {}; nothing was done (-dry-run)\n",
                     text(report, "to"), text(report, "from"));
}

void write_candidates(std::string& to, const json::array& candidates) {
  if (!candidates.empty()) to += "\nnodes\n";
  for (const json::value& one : candidates) {
    std::string state = "could take over";
    if (!one.at("can").as_bool()) {
      state = text(one, "why");
    } else if (const auto behind = one.at("behind").to_number<uint64_t>(); behind != 0) {
      state += fmt::format(", {} transactions to catch up with first", behind);
    }
    to += fmt::format("  {:<20} {:<6} {}\n", text(one, "hostname"), text(one, "region"), state);
  }
}

void write_databases(std::string& to, const json::array& databases) {
  if (!databases.empty()) to += "\ndatabases\n";
  for (const json::value& one : databases) {
    to += fmt::format("  {:<20} {}/{}\n", text(one, "name"), text(one, "txid"),
                      text(one, "checksum"));
  }
}

void write_steps(std::string& to, const json::array& steps) {
  if (!steps.empty()) to += "\nsteps\n";
  for (const json::value& one : steps) {
    to += fmt::format("  {:<20} {:.1f} ms\n", text(one, "step"), one.at("ms").to_number<double>());
  }
}

}  // namespace

Result<std::string> failover_report(const std::string& body) {
  try {
    const json::value report = json::parse(body);
    std::string out = outcome(report);
    write_candidates(out, report.at("candidates").as_array());
    write_databases(out, report.at("databases").as_array());
    write_steps(out, report.at("steps").as_array());
    return out;
  } catch (const std::exception& error) {  // the library's way to say that something is missing
    return fail(Errc::kCorrupt,
                fmt::format("the node's report cannot be read ({}); is it another version?",
                            error.what()));
  }
}

}  // namespace skerry::app
