// A hand-over's report as JSON:
//
//   { "from", "to": name or null, "region", "dryRun", "handedOver", "error"?: why not,
//     "pauseMs", "steps": [{"step", "ms"}],
//     "candidates": [{"hostname", "url", "region", "id", "can", "why"?, "behind"}],
//     "databases": [{"name", "txid", "checksum"}] }
#include <boost/json.hpp>

#include "daemon/app/node/node_handover.h"
#include "lease/json_fields.h"

namespace skerry::app {

namespace bj = boost::json;

static bj::object object_of(const cluster::Candidate& candidate) {
  const auto why = cluster::why_not(candidate);
  bj::object object{{"hostname", candidate.peer.name}, {"url", candidate.peer.url},
                    {"region", candidate.region},      {"id", hex16(candidate.node.value())},
                    {"can", !why.has_value()},         {"behind", candidate.behind}};
  if (why) object["why"] = *why;
  return object;
}

std::string to_json(const FailoverReport& report) {
  bj::object object{{"from", report.from},
                    {"to", nullptr},
                    {"region", ""},
                    {"dryRun", report.dry_run},
                    {"handedOver", report.handed_over},
                    {"pauseMs", lease::json::ms(report.pause)}};
  if (report.target) {
    object["to"] = report.target->peer.name;
    object["region"] = report.target->region;
  }
  if (report.error) object["error"] = report.error->message();
  bj::array& steps = object["steps"].emplace_array();
  for (const auto& timing : report.timings) {
    steps.push_back(
        bj::object{{"step", to_string(timing.step)},
                   {"ms", std::chrono::duration<double, std::milli>(timing.took).count()}});
  }
  bj::array& candidates = object["candidates"].emplace_array();
  for (const auto& candidate : report.candidates) candidates.push_back(object_of(candidate));
  bj::array& databases = object["databases"].emplace_array();
  for (const auto& [name, position] : report.positions) {
    databases.push_back(bj::object{{"name", name},
                                   {"txid", to_string(position.txid)},
                                   {"checksum", to_string(position.checksum)}});
  }
  return bj::serialize(object) + '\n';
}

// The reason in a report, or the text itself if it is none.
std::string error_of_report(const std::string& text) {
  const auto value = lease::json::parse(text);
  const bj::object* object = value ? value->if_object() : nullptr;
  const std::string error = object != nullptr ? lease::json::text_at(*object, "error") : "";
  return error.empty() ? text.substr(0, text.find('\n')) : error;
}

}  // namespace skerry::app
