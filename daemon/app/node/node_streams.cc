#include "daemon/app/node/node_streams.h"

#include <fmt/format.h>

#include <cstdlib>

#include "daemon/cluster/standing.h"
#include "daemon/log/log.h"

namespace skerry::app {

static std::string region_of_machine() {
  const char* region = std::getenv("FLY_REGION");
  return region != nullptr ? region : "";
}

NodeStreams::NodeStreams(const Parts& parts, std::function<void()> changed,
                         std::function<void()> catch_up_moved)
    : parts_(parts),
      region_(region_of_machine()),
      pool_("stream", kStreamThreads, kStreamQueueMax),
      server_(parts.store, parts.feed, pool_, parts.clock, [this](bool catches_up) { return self(catches_up); }),
      client_(
          {parts.io, pool_, parts.applier, parts.store, parts.clock, *this,
           parts.config.lease.reconnect_delay, parts.secret},
          [this] { return settings(); },
          [this](const replication::Receiver::Primary& primary) { return welcomed(primary); },
          changed),
      catch_up_(
          {parts.io, pool_, parts.applier, parts.store, parts.clock, *this,
           parts.config.lease.reconnect_delay},
          [this] { return settings(); },
          [this](const replication::Receiver::Primary& other) { return welcomed(other); },
          std::move(catch_up_moved)) {
  server_.on_acknowledged(std::move(changed));
}

NodeStreams::~NodeStreams() {
  stop();
}

void NodeStreams::add_to(net::Server& server) {
  server.on_upgrade(replication::kStreamPath, server_);
}

void NodeStreams::role_is(const lease::LeaseState& state) {
  const std::lock_guard lock(role_mutex_);
  // A right that was given up for a successor may be taken back: nobody is followed yet, and the
  // streams, on which nothing comes meanwhile, go on if it is.
  if (stopped_ || state.phase == lease::Phase::kYielded) return;
  // A stream does not outlive the role and the epoch that its welcome named.
  if (state.is_primary != was_primary_ || state.epoch != served_epoch_) server_.end_all();
  if (state.is_primary && (!was_primary_ || state.epoch != served_epoch_)) {
    began_ = cluster::standing_of(parts_.store);
  }
  was_primary_ = state.is_primary;
  served_epoch_ = state.epoch;
  if (state.phase != lease::Phase::kCatchingUp) {
    catch_up_.cancel();
    follow(state);
  }
}

void NodeStreams::follow(const lease::LeaseState& state) {
  const bool follows = !state.is_primary && state.primary && !state.primary->advertise_url.empty();
  const std::string url = follows ? state.primary->advertise_url : "";
  if (url == followed_) return;
  followed_ = url;
  if (url.empty()) {
    client_.unfollow();
  } else {
    client_.follow(url);
  }
}

void NodeStreams::catch_up(const lease::Peer& from, CatchUp::Done done) {
  const std::lock_guard lock(role_mutex_);
  if (stopped_) return done(false);
  client_.unfollow();
  followed_.clear();
  catch_up_.begin(from.url, std::move(done));
}

void NodeStreams::catch_up_advances() {
  const std::lock_guard lock(role_mutex_);
  if (!catch_up_.is_running()) return;
  catch_up_.advance();
  if (!catch_up_.is_running()) follow(parts_.role.state());
}

// Transactions of this tenure are those beyond where it began.
lease::Standing NodeStreams::best_follower() const {
  const std::lock_guard lock(role_mutex_);
  lease::Standing best;
  for (const auto& stream : server_.streams()) {
    lease::Standing has;
    for (const auto& [name, acknowledged] : stream.databases) {
      has.transactions += acknowledged.durable.value();
    }
    const bool is_beyond = has.transactions > began_.transactions;
    if (!has.blank()) has.epoch = is_beyond ? parts_.role.epoch() : began_.epoch;
    best = std::max(best, has);
  }
  return best;
}

void NodeStreams::stop() {
  {
    const std::lock_guard lock(role_mutex_);
    stopped_ = true;
    catch_up_.cancel();
  }
  client_.unfollow();
  pool_.stop();
}

Result<replication::StreamSelf> NodeStreams::self(bool catches_up) const {
  const lease::LeaseState state = parts_.role.state();
  if (!state.is_primary && !catches_up) {
    return fail(Errc::kReadOnly, state.primary ? fmt::format("this node is a replica of {}",
                                                             state.primary->hostname.empty()
                                                                 ? state.primary->advertise_url
                                                                 : state.primary->hostname)
                                               : "this node is a replica, and no primary is known");
  }
  return replication::StreamSelf{parts_.id, state.epoch, parts_.config.lease.hostname, region_,
                                 parts_.cluster_id.get()};
}

replication::ReceiverSettings NodeStreams::settings() const {
  const config::LeaseConfig& lease = parts_.config.lease;
  // With a static lease the hostname is the primary's.
  const char* machine = std::getenv("HOSTNAME");
  const bool is_own = lease.type == config::LeaseType::kConsul;
  return {
      parts_.id, parts_.role.state().epoch, is_own || machine == nullptr ? lease.hostname : machine,
      region_,   parts_.cluster_id.get(),   lease.databases};
}

Status NodeStreams::welcomed(const replication::Receiver::Primary& primary) {
  if (primary.cluster.empty()) return {};
  return parts_.cluster_id.adopt(primary.cluster);
}

std::optional<int64_t> NodeStreams::lag_ms() const {
  if (parts_.role.is_primary()) return 0;
  return client_.lag().milliseconds(parts_.clock.now());
}

int64_t NodeStreams::last_timestamp_ms() const {
  return client_.lag().primary_ms();
}

proxy::Freshness NodeStreams::freshness() const {
  const auto lag = client_.lag().milliseconds(parts_.clock.now());
  return {client_.state().connected,
          lag ? std::optional(std::chrono::milliseconds(*lag)) : std::nullopt};
}

bool NodeStreams::acknowledged(const std::vector<proxy::DbPosition>& positions,
                               unsigned replicas) const {
  std::vector<std::pair<std::string, Position>> wanted;
  for (const auto& database : parts_.store.list()) {
    const proxy::DbKey key = proxy::db_key(database->name());
    for (const proxy::DbPosition& position : positions) {
      if (position.key == key) wanted.emplace_back(database->name(), Position{position.txid, {}});
    }
  }
  return server_.holding(wanted, true) >= replicas;
}

std::vector<admin::Stream> NodeStreams::streams() const {
  using Direction = admin::Stream::Direction;
  std::vector<admin::Stream> all;
  for (const auto& info : server_.streams()) {
    all.push_back({Direction::kToReplica, info.hostname.empty() ? info.address : info.hostname,
                   info.region, info.since_ms, info.wire_bytes, 0, info.transactions,
                   std::nullopt});
  }
  const auto state = client_.state();
  if (state.connected) {
    all.push_back({Direction::kFromPrimary, state.hostname.empty() ? state.url : state.hostname, "",
                   state.since_ms, state.wire_bytes, state.page_bytes, state.transactions,
                   lag_ms()});
  }
  return all;
}

void NodeStreams::metrics(admin::MetricSink& sink) const {
  using admin::MetricType;
  const auto state = client_.state();
  sink.one("skerry_stream_sent_bytes_total", MetricType::kCounter,
           "Bytes sent to replicas over their streams.", static_cast<double>(server_.wire_bytes()));
  sink.one("skerry_stream_received_bytes_total", MetricType::kCounter,
           "Bytes received over the present stream from the primary.",
           static_cast<double>(state.wire_bytes));
  sink.one("skerry_stream_connected", MetricType::kGauge, "1 while a primary is followed.",
           state.connected ? 1 : 0);
  sink.one("skerry_repairs_total", MetricType::kCounter,
           "Databases that could not take a transaction and were brought in line.",
           static_cast<double>(repairs_.load()));
  sink.one("skerry_images_total", MetricType::kCounter,
           "Snapshots and differences received in place of transactions.",
           static_cast<double>(images_.load()));
  sink.one("skerry_orphans", MetricType::kGauge,
           "Databases with transactions that a primary did not have, kept in the data folder.",
           static_cast<double>(parts_.orphans.count()));
  sink.one("skerry_orphan_transactions_total", MetricType::kCounter,
           "Transactions that a primary did not have, kept since the start.",
           static_cast<double>(parts_.orphans.transactions()));
}

void NodeStreams::repairing(const std::string& database, const Error& why) {
  repairs_.fetch_add(1);
  log::warn("stream-repair", why.message() + "; the database is brought in line with the primary's",
            {{"db", database}});
}

Status NodeStreams::replacing(const Replacement& what) {
  log::info("stream-image",
            fmt::format("what differs of the database comes from the primary: {}",
                        replication::to_string(what.reason)),
            {{"db", what.database}, {"pos", to_string(what.local)}});
  return parts_.orphans.keep_lost({what.database,
                                   what.local,
                                   what.past,
                                   what.reason == replication::ImageReason::kOtherHistory,
                                   {what.primary, what.epoch},
                                   what.primary_hostname});
}

void NodeStreams::image_done(const std::string& database, Position position, uint64_t pages) {
  images_.fetch_add(1);
  log::info("stream-image-done", "the database is the primary's",
            {{"blocks", pages}, {"db", database}, {"pos", to_string(position)}});
}

}  // namespace skerry::app
