#include "proxy/relay/exchange.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/log/log.h"
#include "proxy/relay/answer.h"
#include "proxy/relay/client.h"
#include "proxy/relay/worker.h"

namespace skerry::proxy {
namespace {

constexpr size_t kFieldsExpected = 24;

constexpr std::string_view kRetryAfter = "Retry-After: 1\r\n";

uint64_t micros_between(TimePoint from, TimePoint to) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

}  // namespace

Exchange::Exchange(Worker& worker, Client& client)
    : worker_(worker), client_(client), started_(worker.now()), progress_(worker.now()) {}

Exchange::~Exchange() {
  stop_waiting();
  drop_upstream();
  count_as_write(false);
}

void Exchange::begin(std::string_view head) {
  head_.assign(head);
  request_.fields.reserve(kFieldsExpected);
  const Settings& settings = worker_.settings();
  if (const auto parsed = parse_request(head_, request_); !parsed) {
    request_.keep_alive = false;
    worker_.count().refused.add();
    return answer(parsed.error().status, parsed.error().why);
  }
  body_ = BodyReader(request_.body);
  if (settings.body_bytes_max > 0 && request_.body.length > settings.body_bytes_max) {
    worker_.count().refused.add();
    return answer(413, "the request's body is larger than proxy.max-body-size");
  }
  asked_ = read_request(request_, settings);
  if (asked_.health != HealthPath::kNone) return answer_health();
  decide();
}

void Exchange::pump() {
  if (phase_ != Phase::kTunnel && phase_ != Phase::kDone && client_.stream().hung_up()) cut();
  while (phase_ != Phase::kDone && step()) {
  }
}

bool Exchange::step() {
  switch (phase_) {
    case Phase::kWaiting:
      return keep_waiting();
    case Phase::kConnecting:
      return connect();
    case Phase::kAwaiting:
      return await();
    case Phase::kGated:
      return keep_gate();
    case Phase::kResponding:
      return respond();
    case Phase::kTunnel:
      return tunnel();
    case Phase::kDone:
      break;
  }
  return false;
}

bool Exchange::expired(TimePoint when) const {
  return worker_.now() >= when;
}

// --- The decision --------------------------------------------------------------------------------

void Exchange::decide() {
  NodeCache& node = worker_.node();
  node.refresh();
  seen_version_ = node.version();
  if (asked_.token) {
    standing_ = standing(*asked_.token, node.positions(), worker_.settings().tracked);
  }
  unreachable_ = is_unreachable(node);
  const Decision before = decision_;
  decision_ = route(facts(node));
  if (worker_.settings().debug && decision_ != before) {
    log::info("proxy-decision", to_string(decision_.reason),
              {{"action", to_string(decision_.action)},
               {"method", request_.method},
               {"path", request_.path}});
  }
  act();
}

Facts Exchange::facts(const NodeCache& node) const {
  Facts facts;
  facts.passthrough = asked_.passthrough;
  facts.kind = wrote_here_ ? Kind::kWroteHere : asked_.kind;
  facts.role = role(node);
  facts.consistency = consistency(node);
  facts.token = standing_;
  facts.on_timeout = worker_.settings().on_timeout;
  facts.waited_out = expired(wait_until_);
  facts.held_out = no_room_ || expired(held_until_);
  facts.looped = asked_.mark.hops >= kHopsMax;
  facts.edge_replays = edge_replays(node);
  return facts;
}

bool Exchange::is_unreachable(const NodeCache& node) const {
  const NodeState& state = node.state();
  if (state.is_primary || !node.primary() || edge_replays(node)) return false;
  return worker_.other_proxy(*node.primary()).is_down();
}

// A primary whose proxy cannot be reached is none, for the moment.
Role Exchange::role(const NodeCache& node) const {
  const NodeState& state = node.state();
  if (!state.ready) return Role::kStarting;
  if (state.is_primary) return state.handing_over ? Role::kHandingOver : Role::kPrimary;
  if (!state.primary_known) return Role::kOrphan;
  if (edge_replays(node)) return Role::kReplica;
  return node.primary() && !unreachable_ ? Role::kReplica : Role::kOrphan;
}

Consistency Exchange::consistency(const NodeCache& node) const {
  switch (asked_.wish.what) {
    case Wish::What::kSession:
    case Wish::What::kPrimary:
      return Consistency::kSession;
    case Wish::What::kAny:
      return Consistency::kAny;
    case Wish::What::kBounded:
      break;
  }
  const Freshness found = node.freshness();
  const bool fresh = found.connected && found.lag && *found.lag <= asked_.wish.bound;
  return fresh ? Consistency::kWithinBound : Consistency::kTooOld;
}

bool Exchange::edge_replays(const NodeCache& node) const {
  return asked_.edge_replays && !node.state().primary_hostname.empty();
}

void Exchange::act() {
  switch (decision_.action) {
    case Action::kLocal:
      return go_to(worker_.application());
    case Action::kForward:
      return go_to(worker_.other_proxy(*worker_.node().primary()));
    case Action::kWait:
      return wait_for_position();
    case Action::kHold:
      return hold();
    case Action::kReplay:
      return answer_replay();
    case Action::kRefuse:
      return refuse();
  }
}

void Exchange::go_to(Destination& destination) {
  stop_waiting();
  drop_upstream();
  destination_ = &destination;
  count_as_write(decision_.reason == Reason::kWrites && &destination == &worker_.application());
  phase_ = Phase::kConnecting;
  retry_at_ = TimePoint::min();
  refused_before_ = worker_.node_view().refused_writes();
}

void Exchange::wait_for_position() {
  const bool first = wait_until_ == TimePoint::max();
  if (first) {
    wait_until_ = worker_.now() + worker_.settings().wait_timeout;
    waiting_since_ = worker_.now();
    worker_.count().waits.add();
  }
  phase_ = Phase::kWaiting;
  deadline_ = wait_until_;
  if (standing_ == Standing::kAppearing) worker_.node_view().look_for_appearing();
  if (client_.WaitingClientsHook::is_linked()) return;
  worker_.wait_for_node(client_);
  decide();  // what came since the last look would not be announced
}

void Exchange::hold() {
  count_as_write(false);
  if (held_until_ == TimePoint::max()) {
    held_until_ = worker_.now() + worker_.settings().hold_timeout;
  }
  if (!held_) {
    held_bytes_ = head_.size() + client_.received().size() + kept_.size();
    no_room_ = !worker_.holds().take(held_bytes_);
    if (no_room_) return decide();
    held_ = true;
    waiting_since_ = worker_.now();
    worker_.count().holds.add();
    worker_.count().held.add();
  }
  phase_ = Phase::kWaiting;
  deadline_ = unreachable_ ? std::min(held_until_, worker_.now() + kConnectRetry) : held_until_;
  if (client_.WaitingClientsHook::is_linked()) return;
  worker_.wait_for_node(client_);
  decide();
}

void Exchange::stop_waiting() {
  if (client_.WaitingClientsHook::is_linked()) client_.WaitingClientsHook::unlink();
  if (waiting_since_ == TimePoint()) return;
  const uint64_t micros = micros_between(waiting_since_, worker_.now());
  waiting_since_ = TimePoint();
  if (held_) {
    worker_.holds().give_back(held_bytes_);
    worker_.count().held.subtract();
    worker_.count().hold_micros.add(micros);
    held_ = false;
  } else {
    worker_.count().wait_micros.add(micros);
  }
}

bool Exchange::keep_waiting() {
  worker_.node().refresh();
  if (worker_.node().version() == seen_version_ && !expired(deadline_)) return false;
  decide();
  return phase_ != Phase::kWaiting;
}

// --- Responses of the proxy's own ----------------------------------------------------------------

void Exchange::refuse() {
  switch (decision_.reason) {
    case Reason::kLoop:
      return answer(508,
                    "this request went from proxy to proxy without finding the primary's; see "
                    "proxy.forward-url");
    case Reason::kWaitedOut:
      return answer(504,
                    "Proxy timeout: this node did not reach the position that the client has "
                    "seen (proxy.wait-timeout)",
                    kRetryAfter);
    case Reason::kStarting:
      return answer(503, "this node is starting; try again soon", kRetryAfter);
    default:
      break;
  }
  std::string why = "no primary is known at the moment; try again soon";
  if (unreachable_) {
    const Destination& there = worker_.other_proxy(*worker_.node().primary());
    why = fmt::format("the primary's proxy at {} cannot be reached: {}; try again soon",
                      there.name(), there.error());
  }
  answer(503, why, kRetryAfter);
}

void Exchange::answer_health() {
  NodeCache& node = worker_.node();
  node.refresh();
  const Health found =
      health(asked_.health, node.state(), node.freshness(), worker_.settings().max_lag);
  decision_ = {Action::kLocal, Reason::kPassthrough};
  std::string_view body = found.body;
  if (body.ends_with('\n')) body.remove_suffix(1);
  answer(found.status, body, {}, found.content_type);
}

// Where no edge acts on the header, the status says that nothing was done.
void Exchange::answer_replay() {
  const std::string fields =
      fmt::format("fly-replay: instance={}\r\n", worker_.node().state().primary_hostname);
  answer(409, "this node is a replica; the request belongs to the primary", fields);
}

void Exchange::answer(int status, std::string_view why, std::string_view fields,
                      std::string_view content_type) {
  stop_waiting();
  drop_upstream();
  const bool close = !request_.keep_alive || !body_.complete() || worker_.draining();
  const std::string body = fmt::format("{}\n", why);
  std::string& text = worker_.text();
  text.clear();
  write_answer({status, content_type, fields, body, close, request_.method == "HEAD"}, text);
  client_.stream().send(text);
  bytes_out_ += text.size();
  conclude(status, close ? End::kClose : End::kNext);
}

// --- The end -------------------------------------------------------------------------------------

void Exchange::conclude(int status, End end) {
  count_as_write(false);
  phase_ = Phase::kDone;
  end_ = end;
  worker_.count()
      .requests[static_cast<size_t>(decision_.action)][static_cast<size_t>(decision_.reason)]
      .add();
  worker_.count().client_bytes_out.add(bytes_out_);
  if (!worker_.settings().access_log) return;
  log::info("request", fmt::format("{} {} {}", request_.method, request_.target, status),
            {{"status", status},
             {"client", client_.address()},
             {"action", to_string(decision_.action)},
             {"reason", to_string(decision_.reason)},
             {"bytes_in", body_.payload_bytes()},
             {"bytes_out", bytes_out_},
             {"micros", micros_between(started_, std::chrono::steady_clock::now())}});
}

void Exchange::cut() {
  stop_waiting();
  drop_upstream();
  conclude(status_ != 0 ? status_ : 499, End::kCut);
}

void Exchange::count_as_write(bool writes) {
  if (writes == counted_) return;
  counted_ = writes;
  if (writes) {
    worker_.count().writing.add();
  } else {
    worker_.count().writing.subtract();
  }
}

void Exchange::drop_upstream() {
  if (!upstream_) return;
  upstream_->stream().close();
  worker_.loop().retire(std::move(upstream_));
}

}  // namespace skerry::proxy
