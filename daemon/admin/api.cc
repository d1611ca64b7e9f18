#include "daemon/admin/api.h"

#include <chrono>

#include "daemon/admin/lease_routes.h"
#include "daemon/admin/node_metrics.h"
#include "daemon/admin/status.h"
#include "daemon/admin/status_page.h"

namespace skerry::admin {

using net::Request;
using net::Response;
using net::RunsOn;

namespace {

int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void server_metrics(MetricSink& sink, const net::Server& server) {
  const auto count = [](const std::atomic<uint64_t>& value) {
    return value.load(std::memory_order_relaxed);
  };
  const net::ServerCounters& counters = server.counters();
  sink.declare("skerry_http_requests_total", MetricType::kCounter,
               "Requests to the node API, by their answer.");
  sink.add(count(counters.requests_1xx_3xx), {{"status", "ok"}});
  sink.add(count(counters.requests_4xx), {{"status", "4xx"}});
  sink.add(count(counters.requests_5xx), {{"status", "5xx"}});
  sink.one("skerry_http_connections", MetricType::kGauge, "Open connections to the node API.",
           static_cast<double>(server.connections()));
  sink.one("skerry_http_turned_away_total", MetricType::kCounter,
           "Connections that were one too many.", static_cast<double>(count(counters.turned_away)));
}

}  // namespace

Api::Api(NodeView& node, EventHub& events) : node_(node), events_(events) {
  metrics_.add([this](MetricSink& sink) { node_metrics(sink, node_, events_); });
  metrics_.add(process_metrics);
}

void Api::add_to(net::Server& server) {
  add_litefs_routes(server.router());
  add_skerry_routes(server.router());
  metrics_.add([&server](MetricSink& sink) { server_metrics(sink, server); });
  if (guard_ != nullptr) guard_->add_to(server.router());
  server.with_guard([this](const Request& request) { return refuse(request); });
  server.with_headers([this] {
    const Identity identity = node_.identity();
    net::HeaderList headers{{"Litefs-Id", format_node_id(identity.id)}};
    if (!identity.cluster_id.empty()) headers.add("Litefs-Cluster-Id", identity.cluster_id);
    return headers;
  });
}

std::optional<Response> Api::refuse(const Request& request) const {
  if (auto refused = refuse_other_sites(request)) return refused;
  if (guard_ == nullptr || request.path != "/skerry/stream") return std::nullopt;
  return guard_->check_stream(request);
}

// A page of another site that somebody has open on this machine must not change anything here:
// browsers tell where a request comes from, programs do not.
std::optional<Response> Api::refuse_other_sites(const Request& request) {
  const std::string* origin = request.headers.find("Origin");
  if (origin == nullptr) return std::nullopt;
  const std::string* host = request.headers.find("Host");
  const size_t scheme = origin->find("://");
  if (host != nullptr && scheme != std::string::npos && origin->substr(scheme + 3) == *host) {
    return std::nullopt;
  }
  return net::text_response(403, "requests from pages of other sites are refused\n");
}

void Api::add_litefs_routes(net::Router& router) {
  router.add("/info", "GET", RunsOn::kIoThread,
             [this](Request&) { return net::json_response(200, info_json(node_)); });
  router.add("/events", "GET", RunsOn::kIoThread, [this](Request&) { return events(); });
  router.add("/metrics", "GET", RunsOn::kPool, [this](Request&) {
    Response response = net::text_response(200, metrics_.text());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  });
  router.add("/debug/vars", "GET", RunsOn::kPool,
             [this](Request&) { return net::json_response(200, debug_vars_json(node_)); });
  router.add("/export", "GET", RunsOn::kPool,
             [this](Request& request) { return export_.get(request); });
  router.add_change("/import", "POST", RunsOn::kPool,
             [this](Request& request) { return import_.post(request); });
  router.add_change("/promote", "POST", RunsOn::kPool,
                    [this](Request&) { return post_promote(node_); });
  router.add_change("/handoff", "POST", RunsOn::kPool,
             [this](Request& request) { return post_handoff(node_, request); });
  for (const char* method : {"POST", "DELETE"}) {
    router.add_change("/halt", method, RunsOn::kPool,
                      [this](Request& request) { return refuse_halt(node_, request); });
  }
  router.add("/stream", "POST", RunsOn::kIoThread, [](Request&) {
    return net::text_response(
        426, "this node streams to Skerry nodes; LiteFS nodes cannot join its cluster\n");
  });
}

void Api::add_skerry_routes(net::Router& router) {
  router.add("/skerry/status", "GET", RunsOn::kPool,
             [this](Request&) { return net::json_response(200, status_json(node_, wall_ms())); });
  router.add("/skerry/", "GET", RunsOn::kPool,
             [this](Request&) { return status_page(node_, wall_ms()); });
  router.add("/skerry", "GET", RunsOn::kIoThread,
             [](Request&) { return Response{307, {{"Location", "/skerry/"}}, ""}; });
  router.add("/skerry/health/live", "GET", RunsOn::kIoThread,
             [](Request&) { return net::text_response(200, "OK\n"); });
  router.add("/skerry/health/ready", "GET", RunsOn::kPool, [this](Request&) {
    const Status ready = node_.ready();
    return ready ? net::text_response(200, "OK\n")
                 : net::text_response(503, ready.error().message() + "\n");
  });
}

Response Api::events() {
  auto body = events_.subscribe();
  if (body == nullptr) {
    return net::text_response(503, "too many clients listen to events already\n");
  }
  return {200, {{"Content-Type", "application/json"}}, std::move(body)};
}

}  // namespace skerry::admin
