#include "lease/consul_leaser.h"

#include <fmt/format.h>

namespace skerry::lease {

using namespace std::chrono_literals;

// A server that is there accepts a connection at once, also across an ocean.
static constexpr Duration kConnectDeadline = 1s;
static constexpr Duration kCallDeadline = 2s;
static constexpr Duration kLookWait = 5s;
static constexpr Duration kLookDeadline = kLookWait + 2s;

template <typename Parse>
static auto parsed(const Result<HttpResponse>& response, Parse parse)
    -> decltype(parse(*response)) {
  if (!response) return std::unexpected(response.error());
  return parse(*response);
}

Result<std::unique_ptr<ConsulLeaser>> ConsulLeaser::open(ConsulOptions options, NodeSide& node) {
  TRY_ASSIGN(auto curl, CurlClient::open(options.tls));
  return std::unique_ptr<ConsulLeaser>(new ConsulLeaser(std::move(options), node, std::move(curl)));
}

ConsulLeaser::ConsulLeaser(ConsulOptions options, NodeSide& node, std::unique_ptr<CurlClient> curl)
    : options_(std::move(options)),
      node_(node),
      curl_(std::move(curl)),
      election_(options_.election) {}

ConsulLeaser::~ConsulLeaser() {
  end_thread();
}

void ConsulLeaser::start(Observer observer) {
  observer_ = std::move(observer);
  observer_(election_.state());
  thread_ = std::thread([this] { run(); });
}

void ConsulLeaser::stop() {
  if (!thread_.joinable()) return;
  post(event::Release{});
  wait_for([](const LeaseState& state) { return state.phase == Phase::kReleased; }, kLeaveBound);
  end_thread();
}

void ConsulLeaser::end_thread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  curl_->wake();
  if (thread_.joinable()) thread_.join();
}

void ConsulLeaser::post(Event event) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(event));
  }
  curl_->wake();
}

void ConsulLeaser::run() {
  deliver(event::Tick{});
  for (;;) {
    while (const auto event = next()) deliver(*event);
    const Time wake_at = next_wake();
    const bool is_due = LeaseClock::now() >= wake_at;
    if (woken_.exchange(false) || is_due) {
      deliver(event::Tick{});
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      if (!inbox_.empty()) continue;
    }
    curl_->run(wake_at);
  }
}

Time ConsulLeaser::next_wake() const {
  const std::lock_guard lock(election_mutex_);
  return election_.wake_at();
}

std::optional<Event> ConsulLeaser::next() {
  const std::lock_guard lock(mutex_);
  if (new_offered_) offered_ = std::exchange(new_offered_, nullptr);
  if (inbox_.empty()) return std::nullopt;
  Event event = std::move(inbox_.front());
  inbox_.pop_front();
  return event;
}

void ConsulLeaser::deliver(const Event& event) {
  const event::Facts facts = node_.facts();
  std::deque<Action> actions;
  {
    const std::lock_guard lock(election_mutex_);
    feed(facts);
    feed(event);
    actions = std::exchange(to_do_, {});
  }
  // First what is known: a right that has ended must be seen to have ended.
  publish();
  for (const Action& action : actions) {
    std::visit([this](const auto& what) { perform(what); }, action);
  }
}

void ConsulLeaser::feed(const Event& event) {
  for (Action& action : election_.resume(event, LeaseClock::now())) {
    to_do_.push_back(std::move(action));
  }
}

void ConsulLeaser::publish() {
  LeaseState state;
  {
    const std::lock_guard lock(election_mutex_);
    state = election_.state();
  }
  bool is_new = false;
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    is_new = state != state_;
    is_news = state.phase != state_.phase || state.reason != state_.reason;
  }
  if (!is_new) return;
  observer_(state);
  {
    const std::lock_guard lock(mutex_);
    state_ = state;
  }
  changed_.notify_all();
  if (is_news) node_.tell(to_string(state.phase), state.reason);
}

LeaseState ConsulLeaser::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

PeerReport ConsulLeaser::report() const {
  const std::lock_guard lock(election_mutex_);
  return election_.report();
}

std::vector<NodeEntry> ConsulLeaser::nodes() const {
  const std::lock_guard lock(election_mutex_);
  std::vector<NodeEntry> nodes;
  if (const View* view = election_.view()) {
    for (const View::Node& node : view->nodes) nodes.push_back(node.entry);
  }
  return nodes;
}

bool ConsulLeaser::wait_for(const std::function<bool(const LeaseState&)>& is_it,
                            Duration at_most) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, [&] { return is_it(state_); });
}

bool ConsulLeaser::promise(const PromiseRequest& request) {
  bool promised = false;
  {
    const std::lock_guard lock(election_mutex_);
    const size_t before = to_do_.size();
    feed(event::PromiseAsked{0, request});
    for (size_t i = before; i < to_do_.size(); ++i) {
      const auto* answer = std::get_if<action::AnswerPromise>(&to_do_[i]);
      if (answer != nullptr) promised = answer->promised;
    }
  }
  wake();  // for what else there is to do now
  return promised;
}

void ConsulLeaser::yield(Offered offered) {
  {
    const std::lock_guard lock(mutex_);
    new_offered_ = std::move(offered);
  }
  post(event::Yield{});
}

void ConsulLeaser::reclaim() {
  post(event::Reclaim{});
}

void ConsulLeaser::granted(const event::Granted& granted) {
  post(granted);
}

void ConsulLeaser::force() {
  post(event::Force{});
}

void ConsulLeaser::wake() {
  woken_ = true;
  curl_->wake();
}

// --- Actions -------------------------------------------------------------------------------------

CurlClient::CallId ConsulLeaser::call_consul(HttpRequest request, Duration deadline,
                                             CurlClient::Done done) {
  HttpCall call;
  call.url = options_.place.base_url + request.path;
  call.request = std::move(request);
  if (!options_.place.token.empty()) {
    call.headers.push_back("X-Consul-Token: " + options_.place.token);
  }
  call.deadline = deadline;
  call.connect_deadline = kConnectDeadline;
  return curl_->start(std::move(call), std::move(done));
}

void ConsulLeaser::call_peer(const Peer& peer, HttpRequest request, Duration deadline,
                             CurlClient::Done done) {
  HttpCall call;
  std::string_view base = peer.url;
  while (base.ends_with('/')) base.remove_suffix(1);
  call.url = fmt::format("{}{}", base, request.path);
  if (request.method == "POST") call.headers.emplace_back("Content-Type: application/json");
  call.request = std::move(request);
  call.deadline = deadline;
  curl_->start(std::move(call), std::move(done));
}

void ConsulLeaser::perform(const action::Look& look) {
  curl_->cancel(look_call_);
  look_call_ = call_consul(look_request(options_.place, look.after_index, kLookWait), kLookDeadline,
                           [this, look](Result<HttpResponse> response) {
                             auto view = parsed(response, [&](const HttpResponse& r) {
                               return parse_view(options_.place, r);
                             });
                             if (view) {
                               post(event::Viewed{look.look, *std::move(view)});
                             } else {
                               post(event::LookFailed{look.look, view.error().message()});
                             }
                           });
}

// Sessions live on a node of the catalog. Where the URL has a path, it is one of the cluster's own:
// the token allows no other.
void ConsulLeaser::register_node(std::move_only_function<void()> then) {
  if (options_.place.node.empty() || node_registered_) return then();
  call_consul(register_node_request(options_.place), kCallDeadline,
              [this, then = std::move(then)](Result<HttpResponse> response) mutable {
                const Status done =
                    response ? parse_done(*response) : Status(std::unexpected(response.error()));
                if (!done) return post(event::SessionFailed{done.error().message()});
                node_registered_ = true;
                then();
              });
}

void ConsulLeaser::perform(const action::MakeSession&) {
  register_node([this] {
    call_consul(make_session_request(options_.place, options_.election.terms.session_ttl,
                                     options_.lock_delay),
                kCallDeadline, [this](Result<HttpResponse> response) {
                  auto session =
                      response ? parse_session(*response)
                               : Result<std::string>(std::unexpected(std::move(response).error()));
                  if (session) return post(event::SessionMade{*session});
                  // The node may have been removed from the catalog.
                  node_registered_ = false;
                  post(event::SessionFailed{session.error().message()});
                });
  });
}

void ConsulLeaser::perform(const action::Renew& renew) {
  call_consul(renew_session_request(renew.session), kCallDeadline,
              [this, renew](Result<HttpResponse> response) {
                const auto exists = parsed(response, parse_renewal);
                if (exists) return post(event::Renewed{renew.session, *exists});
                post(event::RenewFailed{renew.session});
              });
}

void ConsulLeaser::perform(const action::DestroySession& destroy) {
  call_consul(destroy_session_request(destroy.session), kCallDeadline,
              [](Result<HttpResponse>) { /* if it failed, the session's time ends it */ });
}

void ConsulLeaser::perform(const action::Write& write) {
  call_consul(write_request(options_.place, write.ops), options_.election.terms.term,
              [this, write](Result<HttpResponse> response) {
                event::Wrote wrote;
                if (response) {
                  wrote = parse_write(*response);
                } else {
                  wrote.why = response.error().message();
                }
                wrote.write = write.write;
                post(wrote);
              });
}

void ConsulLeaser::perform(const action::AskPeers& ask) {
  for (const Peer& peer : ask.peers) {
    call_peer(peer, {"GET", std::string(kPositionPath), ""}, kSurveyBound,
              [this, round = ask.round, name = peer.name](Result<HttpResponse> response) {
                event::PeerAnswered answered{round, name, {}};
                if (response && response->status == 200) {
                  if (auto report = decode_report(response->body)) answered.report = *report;
                }
                post(answered);
              });
  }
}

void ConsulLeaser::perform(const action::AskPromises& ask) {
  const std::string body = encode_promise_request(ask.request);
  for (const Peer& peer : ask.peers) {
    call_peer(peer, {"POST", std::string(kPromisePath), body},
              ask_promises_every(options_.election.terms.term),
              [this, round = ask.round, name = peer.name](Result<HttpResponse> response) {
                const bool promised =
                    response && response->status == 200 && decode_promise(response->body);
                post(event::PromiseAnswered{round, name, promised});
              });
  }
}

void ConsulLeaser::perform(const action::CatchUp& catch_up) {
  node_.catch_up(catch_up.from, [this](bool ok) { post(event::CaughtUp{ok}); });
}

void ConsulLeaser::perform(const action::Persist& persist) {
  node_.persist(persist.epoch, persist.holder, [this, epoch = persist.epoch](bool ok) {
    post(event::Persisted{epoch, ok});
  });
}

void ConsulLeaser::perform(const action::AdoptClusterId& adopt) {
  node_.adopt_cluster_id(adopt.id);
}

void ConsulLeaser::perform(const action::Offer& offer) {
  if (offered_) std::exchange(offered_, nullptr)(offer);
}

}  // namespace skerry::lease
