#include "daemon/cluster/lease_routes.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "daemon/net/http_message.h"

namespace skerry::cluster {

static Result<std::string> read_body(net::Request& request) {
  std::string body;
  std::array<std::byte, 4096> piece{};
  while (body.size() < net::kSmallBodyBytesMax) {
    TRY_ASSIGN(const size_t n, request.body->read(piece));
    if (n == 0) break;
    for (size_t i = 0; i < n; ++i) body += static_cast<char>(piece[i]);
  }
  return body;
}

static Result<std::string> answer_promise(net::Request& request, lease::ConsulLeaser& leaser) {
  TRY_ASSIGN(const std::string body, read_body(request));
  TRY_ASSIGN(const lease::PromiseRequest asked, lease::decode_promise_request(body));
  return lease::encode_promise(leaser.promise(asked));
}

std::string cluster_json(const ClusterView& view, lease::Time now) {
  namespace bj = boost::json;
  const auto ms = [](lease::Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
  };
  bj::object object;
  object["phase"] = to_string(view.state.phase);
  object["reason"] = view.state.reason;
  object["epoch"] = view.state.epoch.value();
  object["isPrimary"] = view.state.is_primary;
  if (view.state.is_primary && view.state.right_until != lease::kNever) {
    object["rightMs"] = ms(view.state.right_until - now);
  }
  object["self"] = bj::object{{"name", view.self.name}, {"url", view.self.url}};
  if (view.state.primary) {
    object["primary"] = bj::object{{"name", view.state.primary->hostname},
                                   {"url", view.state.primary->advertise_url}};
  }
  bj::array nodes;
  for (const lease::NodeEntry& node : view.nodes) {
    nodes.push_back(bj::object{
        {"name", node.peer.name}, {"url", node.peer.url}, {"candidate", node.candidate}});
  }
  object["nodes"] = std::move(nodes);
  return bj::serialize(object) + "\n";
}

void add_cluster_route(net::Router& router, std::function<ClusterView()> look) {
  router.add("/skerry/cluster", "GET", net::RunsOn::kIoThread,
             [look = std::move(look)](net::Request&) {
               return net::json_response(200, cluster_json(look(), lease::LeaseClock::now()));
             });
}

// The election says each time why it does not go on; a person who forces it is to read that.
static net::Response force_primary(lease::ConsulLeaser& leaser) {
  const auto is_primary = [](const lease::LeaseState& state) { return state.is_primary; };
  leaser.force();
  const bool done = leaser.wait_for(is_primary, kForceBound);
  const lease::LeaseState state = leaser.state();
  if (done) {
    return net::json_response(200, fmt::format("{{\"epoch\":{}}}\n", state.epoch.value()));
  }
  return net::text_response(
      409, fmt::format("this node is not the primary after {} s: {}\n", kForceBound.count(),
                       state.reason.empty() ? to_string(state.phase) : state.reason));
}

void add_lease_routes(net::Router& router, lease::ConsulLeaser& leaser) {
  router.add(std::string(lease::kPositionPath), "GET", net::RunsOn::kIoThread,
             [&leaser](net::Request&) {
               return net::json_response(200, lease::encode_report(leaser.report()));
             });
  router.add(std::string(lease::kPromisePath), "POST", net::RunsOn::kIoThread,
             [&leaser](net::Request& request) {
               auto answer = answer_promise(request, leaser);
               if (!answer) return net::error_response(answer.error());
               return net::json_response(200, *std::move(answer));
             });
  router.add_change("/skerry/force-primary", "POST", net::RunsOn::kPool,
                    [&leaser](net::Request&) { return force_primary(leaser); });
}

}  // namespace skerry::cluster
