#include "daemon/app/node/proxy_metrics.h"

namespace skerry::app {
namespace {

using admin::MetricSink;
using admin::MetricType;

void requests(MetricSink& sink, const proxy::Metrics& counted) {
  sink.declare("skerry_proxy_requests_total", MetricType::kCounter,
               "Requests by where they went in the end, and why.");
  for (size_t action = 0; action < proxy::kActions; ++action) {
    for (size_t reason = 0; reason < proxy::kReasons; ++reason) {
      const uint64_t count = counted.requests[action][reason];
      if (count == 0) continue;
      sink.add(count, {{"action", to_string(static_cast<proxy::Action>(action))},
                       {"reason", to_string(static_cast<proxy::Reason>(reason))}});
    }
  }
}

double seconds(uint64_t micros) {
  return static_cast<double>(micros) / 1e6;
}

}  // namespace

void proxy_metrics(MetricSink& sink, const proxy::Metrics& counted) {
  requests(sink, counted);
  const auto gauge = [&](std::string_view name, std::string_view help, uint64_t value) {
    sink.one(name, MetricType::kGauge, help, static_cast<double>(value));
  };
  const auto count = [&](std::string_view name, std::string_view help, uint64_t value) {
    sink.one(name, MetricType::kCounter, help, static_cast<double>(value));
  };
  const auto time = [&](std::string_view name, std::string_view help, uint64_t micros) {
    sink.one(name, MetricType::kCounter, help, seconds(micros));
  };
  gauge("skerry_proxy_clients", "Connections of clients now.", counted.clients);
  count("skerry_proxy_connections_total", "Connections of clients.", counted.connections);
  count("skerry_proxy_upstream_connections_total",
        "Connections opened to the application and to other nodes' proxies.",
        counted.upstream_connections);
  count("skerry_proxy_upstream_reused_total", "Requests over such a connection that was there.",
        counted.upstream_reused);
  count("skerry_proxy_upstream_errors_total",
        "Failed connections, and responses that failed, were late or could not be passed on.",
        counted.upstream_errors);
  count("skerry_proxy_retried_total", "Requests sent again because nobody had taken them in.",
        counted.retried);
  count("skerry_proxy_replayed_total", "Reads that failed here for writing, sent to the primary.",
        counted.replayed);
  count("skerry_proxy_waits_total", "Requests that waited for a position.", counted.waits);
  time("skerry_proxy_wait_seconds_total", "How long, in sum.", counted.wait_micros);
  gauge("skerry_proxy_held", "Requests held for a primary now.", counted.held);
  gauge("skerry_proxy_writing", "Writes at the application here now.", counted.writing);
  count("skerry_proxy_holds_total", "Requests held for a primary.", counted.holds);
  time("skerry_proxy_hold_seconds_total", "How long, in sum.", counted.hold_micros);
  count("skerry_proxy_gate_waits_total", "Responses that waited for replicas (proxy.durability).",
        counted.gate_waits);
  time("skerry_proxy_gate_seconds_total", "How long, in sum.", counted.gate_micros);
  count("skerry_proxy_gate_timeouts_total", "Writes answered as in doubt for want of replicas.",
        counted.gate_timeouts);
  count("skerry_proxy_refused_total", "Requests malformed, too large or too slow.",
        counted.refused);
  count("skerry_proxy_tunnels_total", "Upgraded connections.", counted.tunnels);
  count("skerry_proxy_received_bytes_total", "Bytes from clients.", counted.client_bytes_in);
  count("skerry_proxy_sent_bytes_total", "Bytes of responses to clients.",
        counted.client_bytes_out);
}

}  // namespace skerry::app
