#include "daemon/app/node/node_handover.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "daemon/app/node/node_secret.h"
#include "daemon/config/duration.h"
#include "daemon/log/log.h"
#include "daemon/net/proven_call.h"

namespace skerry::app {

using namespace std::chrono_literals;

static constexpr std::string_view kFailoverPath = "/skerry/failover";
static constexpr std::string_view kPassedOn = "Skerry-Passed-On";
// Beyond the hand-over's own time, for its last steps and the way there and back.
static constexpr auto kAnswerMargin = 12s;
static constexpr auto kBecomeBound = 3s;
// For a node to follow this primary's stream.
static constexpr lease::Duration kComesBackBound = 3s;
static constexpr auto kComesBackPause = 10ms;

// At the end there is no time for anything that does not go smoothly.
static constexpr cluster::HandoverBounds kFarewell{
    .total = 800ms, .requests = 300ms, .writers = 300ms, .prove = 400ms,
    .yield = 400ms, .grant = 600ms,    .await = 300ms,   .reclaim = 200ms};
static_assert(kFarewell.total + kFarewell.yield + kFarewell.grant + kFarewell.await +
                  kFarewell.reclaim <=
              NodeHandover::kFarewellBound);

static Error fixed_primary() {
  return {Errc::kUnsupported,
          "the lease is static (lease.type: static), so the configuration says who the primary is: "
          "change lease.candidate on both nodes and restart them, or use lease.type: consul"};
}

NodeHandover::NodeHandover(const Parts& parts) : parts_(parts) {
  if (parts_.leaser == nullptr) return;
  successor_.emplace(cluster::Successor::Parts{parts_.config.lease.candidate, parts_.cluster_id,
                                               parts_.store, *parts_.leaser, [this](bool begins) {
                                                 parts_.proxy_view.set_taking_over(begins);
                                               }});
}

void NodeHandover::add_routes(net::Router& router) {
  if (successor_) successor_->add_to(router);
  // Replicas pass it on. No write is lost by it.
  router.add_for_nodes(std::string(kFailoverPath), "POST", net::RunsOn::kPool,
                       [this](net::Request& request) { return post_failover(request); });
}

// --- On the primary ------------------------------------------------------------------------------

std::vector<cluster::Candidate> NodeHandover::candidates() const {
  const cluster::Positions here = cluster::positions_of(parts_.store);
  const auto replicas = parts_.streams.replicas();
  std::vector<cluster::Candidate> all;
  for (const lease::NodeEntry& entry : parts_.leaser->nodes()) {
    cluster::Candidate one{entry.peer, "", entry.node, entry.node == parts_.id, entry.candidate,
                           false,      0};
    if (one.is_self) one.region = parts_.streams.region();
    const auto stream = std::ranges::find(replicas, entry.node, &replication::StreamInfo::node);
    one.connected = stream != replicas.end();
    if (one.connected) one.region = stream->region;
    for (const auto& [name, position] : here) {
      if (!one.connected) break;
      const auto known = stream->databases.find(name);
      const Txid has = known == stream->databases.end() ? Txid(0) : known->second.received;
      if (has < position.txid) one.behind += position.txid.value() - has.value();
    }
    all.push_back(std::move(one));
  }
  return all;
}

// What can be said before anything is done.
FailoverReport NodeHandover::begin(const FailoverWish& wish) const {
  FailoverReport report;
  report.from = parts_.config.lease.hostname;
  report.dry_run = wish.dry_run;
  if (parts_.leaser == nullptr) {
    report.error = fixed_primary();
    return report;
  }
  report.candidates = candidates();
  report.positions = cluster::positions_of(parts_.store);
  if (!parts_.role.is_primary()) {
    report.error = Error(Errc::kReadOnly, "this node is not the primary: ask the primary");
    return report;
  }
  auto chosen = cluster::choose(report.candidates, wish.to);
  if (chosen) {
    report.target = *std::move(chosen);
  } else {
    report.error = std::move(chosen).error();
  }
  return report;
}

void NodeHandover::run(FailoverReport& report, const cluster::HandoverBounds& bounds) {
  const lease::Peer self{parts_.config.lease.hostname, parts_.config.lease.advertise_url};
  HandoverRun run({self, parts_.role, parts_.cluster_id, *parts_.leaser, parts_.store, parts_.mount,
                   parts_.cache, parts_.clock, parts_.proxy_view, parts_.proxy, ending_,
                   node_secret(parts_.config)},
                  report.target->peer, bounds);
  run.run();
  const cluster::Handover& plan = run.plan();
  report.handed_over = plan.handed_over();
  report.positions = run.positions();
  report.pause = plan.pause();
  report.timings = plan.timings();
  const log::Fields fields{{"to", report.target->peer.name},
                           {"pause_ms", lease::Duration(report.pause) / 1ms}};
  if (report.handed_over) return log::info("handed-over", "another node is the primary", fields);
  report.error = Error(Errc::kUnavailable,
                       fmt::format("at step {}: {}; this node goes on as before",
                                   to_string(plan.failed_at()), plan.reason()));
  log::warn("handover-failed", report.error->message(), fields);
}

// A node that lost its primary a moment ago comes back by itself.
FailoverReport NodeHandover::begin_patiently(const FailoverWish& wish) const {
  const lease::Time give_up = lease::LeaseClock::now() + std::min(wish.timeout, kComesBackBound);
  for (;;) {
    FailoverReport report = begin(wish);
    const bool may_come = report.error && report.error->code() == Errc::kBusy;
    if (!may_come || wish.dry_run || ending_) return report;
    if (lease::LeaseClock::now() >= give_up) return report;
    std::this_thread::sleep_for(kComesBackPause);
  }
}

FailoverReport NodeHandover::hand_over(const FailoverWish& wish) {
  FailoverReport report = begin_patiently(wish);
  if (report.error || wish.dry_run) return report;
  const std::unique_lock turn(turn_, std::try_to_lock);
  if (!turn || ending_) {
    report.error = Error(Errc::kBusy, ending_ ? "this node is being stopped"
                                              : "another hand-over is under way; try again");
    return report;
  }
  cluster::HandoverBounds bounds;
  bounds.total = wish.timeout;
  run(report, bounds);
  return report;
}

Status NodeHandover::hand_off_to(NodeId node) {
  const FailoverReport report = hand_over({hex16(node.value())});
  if (report.error) return std::unexpected(*report.error);
  return {};
}

bool NodeHandover::before_the_end() {
  ending_ = true;  // one that is under way gives up what can be given up
  if (parts_.leaser == nullptr) return false;
  const std::unique_lock turn(turn_, kFarewellBound);
  if (!turn || !parts_.role.is_primary()) return false;
  ending_ = false;
  FailoverReport report = begin({});
  if (report.error) {
    log::info("no-successor", report.error->message());
  } else {
    run(report, kFarewell);
  }
  ending_ = true;
  return report.handed_over;
}

// --- On any node ---------------------------------------------------------------------------------

Result<net::Response> NodeHandover::ask_primary(const FailoverWish& wish) const {
  const auto primary = parts_.role.state().primary;
  if (!primary || primary->advertise_url.empty()) {
    return fail(Errc::kUnavailable, "no primary is known that could hand over; try again later");
  }
  net::Call call;
  call.method = "POST";
  call.url = net::make_url(primary->advertise_url, kFailoverPath,
                           {{"to", wish.to},
                            {"timeout", config::format_duration(wish.timeout)},
                            {"dry-run", wish.dry_run ? "true" : "false"}});
  call.headers = {{std::string(kPassedOn), "1"}};
  call.total_max = std::chrono::ceil<std::chrono::milliseconds>(wish.timeout + kAnswerMargin);
  call.silence_max = std::chrono::ceil<std::chrono::seconds>(call.total_max);
  TRY(net::add_proof(call, node_secret(parts_.config), {}));
  TRY_ASSIGN(net::Reply reply, net::call(call));
  return net::json_response(reply.status, std::move(reply.body));
}

net::Response NodeHandover::pass_on(const FailoverWish& wish) const {
  auto answer = ask_primary(wish);
  if (!answer) return net::error_response(answer.error());
  return *std::move(answer);
}

Status NodeHandover::promote() {
  if (parts_.leaser == nullptr) return std::unexpected(fixed_primary());
  const std::unique_lock turn(promote_turn_, std::try_to_lock);
  if (!turn) return fail(Errc::kBusy, "this node is asking to become the primary already");
  TRY_ASSIGN(const net::Response answer, ask_primary({hex16(parts_.id.value())}));
  if (answer.status != 200) {
    const auto* text = std::get_if<std::string>(&answer.body);
    return fail(Errc::kUnavailable, "the primary did not hand over: " +
                                        (text != nullptr ? error_of_report(*text) : ""));
  }
  const bool became = parts_.leaser->wait_for(
      [](const lease::LeaseState& state) { return state.is_primary; }, kBecomeBound);
  if (!became) return fail(Errc::kTimeout, "the primary handed over, but not to this node");
  return {};
}

static Result<FailoverWish> read_wish(const net::Request& request) {
  FailoverWish wish;
  wish.to = request.query.get("to");
  const std::string& dry_run = request.query.get("dry-run");
  wish.dry_run = dry_run == "true" || dry_run == "1";
  const std::string& timeout = request.query.get("timeout");
  if (timeout.empty()) return wish;
  const auto parsed = config::parse_duration(timeout);
  if (!parsed || *parsed <= 0s || *parsed > kFailoverTimeoutMax) {
    return fail(Errc::kInvalid, fmt::format("timeout is \"{}\"; write it as 10s, at most {}", timeout,
                                            config::format_duration(kFailoverTimeoutMax)));
  }
  wish.timeout = *parsed;
  return wish;
}

net::Response NodeHandover::post_failover(const net::Request& request) {
  const auto wish = read_wish(request);
  if (!wish) return net::error_response(wish.error());
  const bool was_passed_on = request.headers.find(kPassedOn) != nullptr;
  const bool is_elsewhere = parts_.leaser != nullptr && !parts_.role.is_primary();
  if (is_elsewhere && !was_passed_on) return pass_on(*wish);
  const FailoverReport report = hand_over(*wish);
  return net::json_response(report.error ? net::http_status(report.error->code()) : 200,
                            to_json(report));
}

}  // namespace skerry::app
