#include "daemon/app/node/node_lease.h"

#include <cstdlib>

#include "daemon/cluster/lease_routes.h"
#include "daemon/cluster/standing.h"
#include "daemon/log/log.h"
#include "lease/static_leaser.h"

namespace skerry::app {

using namespace std::chrono_literals;

// How old what the election knows of the databases may be.
static constexpr auto kLookEvery = 250ms;
// A restarted worker whose lease is still there has it again within milliseconds.
static constexpr auto kSettleBound = 2s;

NodeLease::NodeLease(const Parts& parts)
    : parts_(parts),
      file_(parts.fs, parts.config.data.dir),
      clerk_([this] { look_at_databases(); }, kLookEvery) {}

NodeLease::~NodeLease() {
  clerk_.stop();
}

Result<std::unique_ptr<NodeLease>> NodeLease::open(const Parts& parts) {
  std::unique_ptr<NodeLease> lease(new NodeLease(parts));
  const config::LeaseConfig& config = parts.config.lease;
  if (config.type == config::LeaseType::kStatic) {
    lease->leaser_ = std::make_unique<lease::StaticLeaser>(
        config.candidate, lease::PrimaryInfo{config.hostname, config.advertise_url});
  } else {
    TRY(lease->open_consul());
  }
  return lease;
}

// As Consul's own tools take it from the environment.
static lease::Tls tls_from_environment() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
  const std::string verify = variable("CONSUL_HTTP_SSL_VERIFY");
  return {variable("CONSUL_CACERT"), variable("CONSUL_CLIENT_CERT"), variable("CONSUL_CLIENT_KEY"),
          verify != "false" && verify != "0"};
}

Status NodeLease::open_consul() {
  TRY(file_.load());
  const config::LeaseConfig& config = parts_.config.lease;
  lease::ConsulOptions options;
  TRY_ASSIGN(options.place, lease::parse_consul_url(config.consul.url, config.consul.key));
  if (const char* token = std::getenv("CONSUL_HTTP_TOKEN");
      options.place.token.empty() && token != nullptr) {
    options.place.token = token;
  }
  options.tls = tls_from_environment();
  options.lock_delay = config.consul.lock_delay;
  lease::Settings& election = options.election;
  election.self = {config.hostname, config.advertise_url};
  election.node = parts_.id;
  election.candidate = config.candidate;
  election.failsafe = config.failsafe;
  election.terms.term = config.term;
  election.terms.session_ttl = config.consul.ttl;
  election.new_cluster_id = cluster::make_cluster_id();
  election.seen = file_.seen();
  election.predecessor = file_.predecessor();
  TRY_ASSIGN(auto consul, lease::ConsulLeaser::open(std::move(options), *this));
  consul_ = consul.get();
  leaser_ = std::move(consul);
  return {};
}

Status NodeLease::start(bool settle) {
  if (consul_ == nullptr) {
    leaser_->start([this](const lease::LeaseState& state) { parts_.role.set(state); });
    if (parts_.role.is_primary()) TRY(parts_.cluster_id.ensure());
    return {};
  }
  look_at_databases();
  clerk_.start();
  // Whoever is told may take its time, which the lease's thread has not.
  consul_->start([this](const lease::LeaseState& state) {
    if (!parts_.role.store(state)) return;
    clerk_.post([this, state] { parts_.role.announce(state); });
  });
  if (!settle) return {};
  const bool settled = consul_->wait_for(
      [](const lease::LeaseState& state) {
        return state.phase != lease::Phase::kLooking && state.phase != lease::Phase::kStanding;
      },
      kSettleBound);
  if (!settled) {
    log::warn("lease-slow", "Consul has not answered yet; writes are refused until it does");
  }
  return {};
}

void NodeLease::stop() {
  leaser_->stop();
  clerk_.stop();
}

cluster::ClusterView NodeLease::view() const {
  const config::LeaseConfig& config = parts_.config.lease;
  cluster::ClusterView view;
  view.state = parts_.role.state();
  if (consul_ != nullptr) {
    view.self = {config.hostname, config.advertise_url};
    view.nodes = consul_->nodes();
  } else if (view.state.primary) {
    // With a static lease hostname and URL are the primary's.
    const lease::PrimaryInfo& primary = *view.state.primary;
    if (view.state.is_primary) view.self = {primary.hostname, primary.advertise_url};
    view.nodes.push_back({{primary.hostname, primary.advertise_url}, true, {}, 0});
  }
  return view;
}

void NodeLease::add_routes(net::Router& router) {
  cluster::add_cluster_route(router, [this] { return view(); });
  if (consul_ != nullptr) return cluster::add_lease_routes(router, *consul_);
  router.add_change("/skerry/force-primary", "POST", net::RunsOn::kIoThread, [](net::Request&) {
    return net::text_response(501,
                              "the lease is static: set lease.candidate: true on the node that is "
                              "to be the primary, false on the others, and restart them\n");
  });
}

void NodeLease::connect(NodeStreams& streams) {
  streams_ = &streams;
}

void NodeLease::look() {
  clerk_.post([this] { look_at_databases(); });
}

void NodeLease::look_at_databases() {
  lease::event::Facts facts{cluster::standing_of(parts_.store), {}, parts_.cluster_id.get()};
  if (NodeStreams* const streams = streams_.load()) {
    streams->catch_up_advances();
    if (parts_.role.is_primary()) facts.followers = streams->best_follower();
  }
  const std::lock_guard lock(mutex_);
  facts_ = std::move(facts);
}

lease::event::Facts NodeLease::facts() {
  const std::lock_guard lock(mutex_);
  return facts_;
}

void NodeLease::persist(Epoch epoch, bool holder, Done done) {
  clerk_.post([this, epoch, holder, done = std::move(done)]() mutable {
    const Status kept = file_.raise(epoch, holder ? std::optional(parts_.id) : std::nullopt);
    if (!kept) log::error("epoch-not-kept", kept.error().message());
    done(kept.has_value());
  });
}

void NodeLease::adopt_cluster_id(const std::string& id) {
  clerk_.post([this, id] {
    if (parts_.cluster_id.get() == id) return;
    const auto adopted = parts_.cluster_id.adopt(id, cluster::standing_of(parts_.store).blank());
    if (!adopted) return log::error("cluster-id", adopted.error().message());
    log::info("cluster-id", "this node belongs to cluster " + id);
    look_at_databases();
  });
}

void NodeLease::catch_up(const lease::Peer& from, Done done) {
  clerk_.post([this, from, done = std::move(done)]() mutable {
    NodeStreams* const streams = streams_.load();
    if (streams == nullptr) return done(false);
    streams->catch_up(from, std::move(done));
  });
}

void NodeLease::tell(std::string_view phase, const std::string& reason) {
  log::info("lease", reason, {{"phase", phase}, {"epoch", parts_.role.epoch().value()}});
}

}  // namespace skerry::app
