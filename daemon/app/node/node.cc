#include "daemon/app/node/node.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <random>

#include "daemon/admin/temporary_file.h"
#include "daemon/app/mount/listeners.h"
#include "daemon/app/node/node_secret.h"
#include "daemon/app/node/proxy_metrics.h"
#include "daemon/keeper/protocol.h"
#include "daemon/log/log.h"

namespace skerry::app {

// Random per start, as LiteFS's: volumes are cloned.
static NodeId random_node_id() {
  std::random_device device;
  return NodeId((uint64_t{device()} << 32) | device());
}

static std::string machine_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

Node::Node(const config::Config& config, bool successor, os::Changes& changes)
    : config_(config),
      successor_(successor),
      id_(random_node_id()),
      fs_(&changes),
      gate_(role_),
      cluster_id_(fs_, config.data.dir),
      history_log_(fs_, config.data.dir),
      feed_(id_, clock_.wall_ms()),
      proxy_view_(role_, mount_log_),
      role_files_(role_),
      peer_(config.fuse.dir, clock_),
      hooks_(role_, peer_),
      own_mount_(config.fuse.dir) {
  listeners_.add(events_);
  listeners_.add(proxy_view_);
  listeners_.add(feed_);
  role_.observe([this](const lease::LeaseState&) { role_in_mount_.show(role_.shows_primary()); });
  role_.observe([this](const lease::LeaseState&) { proxy_view_.changed(); });
}

Node::~Node() = default;

int Node::run() {
  if (auto started = start(); !started) {
    log::error("start-failed", started.error().message());
    return keeper::kExitHopeless;
  }
  keeper_.say_ready();
  serving_ = true;
  streams_->role_is(role_.state());
  start_app_when_synced();
  for (;;) {
    switch (keeper_.wait()) {
      case keeper::kStopping:
        application_stops();
        break;
      case keeper::kDrain:
        drain();
        break;
      case keeper::kRelease:
        streams_->stop();
        applier_->stop();
        peer_.stop();
        keeper_.say_released();
        break;
      case keeper::kFinish:
        return stop();
      case '\0':
        keeper_.keeper_is_gone();
      default:
        break;
    }
  }
}

Status Node::start() {
  const db::Environment environment{fs_, clock_, gate_, listeners_, cache_, id_};
  TRY_ASSIGN(proxy_, start_proxy(config_, proxy_view_));
  TRY(cluster_id_.load());
  TRY(admin::clear_temporary_files(fs_, config_.data.dir));
  TRY_ASSIGN(store_, store::Store::open(environment, config_.data.dir));
  proxy_view_.opened(*store_);
  report_recovery();
  start_upkeep();
  TRY_ASSIGN(lease_, NodeLease::open({config_, id_, role_, cluster_id_, *store_, fs_}));
  role_.observe([this](const lease::LeaseState& state) { events_.role_is(admin_role(state)); });
  role_.observe([this](const lease::LeaseState& state) {
    if (!serving_) return;
    streams_->role_is(state);
    start_app_when_synced();
  });
  role_.observe([this](const lease::LeaseState& state) { note_history(state); });
  TRY(lease_->start(successor_));
  TRY(start_mount());
  return start_api();
}

// What it cannot write down must not keep the node from its role.
void Node::note_history(const lease::LeaseState& state) {
  if (auto noted = history_log_.note(state, clock_.wall_ms()); !noted) {
    log::warn("history-log", noted.error().message());
  }
}

void Node::start_upkeep() {
  const auto age_ms = std::chrono::duration_cast<std::chrono::milliseconds>(config_.data.retention);
  upkeep_ = std::make_unique<store::Upkeep>(
      *store_, clock_, upkeep_log_,
      store::Upkeep::Settings{{age_ms.count(), config_.data.retention_bytes},
                              config_.data.retention_monitor_interval});
  mount_log_.on_disk_full([this] { upkeep_->make_room(); });
  upkeep_->start();
}

Status Node::start_mount() {
  directory_ = std::make_unique<fusefs::Directory>(*store_, fs_, hooks_, role_files_);
  TRY(successor_ ? directory_->assume_open() : directory_->clear_unlinked());
  TRY_ASSIGN(const std::string init, read_handshake());
  const ByteView raw = as_bytes(init);
  TRY_ASSIGN(session_, fusefs::Session::open(keeper::kFuseFd, {{raw.begin(), raw.end()}, true},
                                             *directory_, mount_log_));
  notifier_ = std::make_unique<fusefs::Notifier>(fusefs::Notifier::Calls{
      [this](uint64_t id, uint64_t offset, uint64_t bytes) {
        session_->invalidate_node(id, offset, bytes);
      },
      [this](const std::string& name) { session_->invalidate_name(name); }});
  cache_.connect(session_.get(), notifier_.get(), &peer_);
  role_in_mount_.connect(*store_, *notifier_, peer_);
  end_with_keeper(config_.fuse.dir);
  TRY(session_->start(successor_));
  role_in_mount_.show(role_.shows_primary());
  if (successor_) {
    TRY(directory_->clear_forgotten([this](uint64_t id) { return session_->kernel_knows(id); }));
  }
  peer_.start();
  applier_ = std::make_unique<apply::NodeApplier>(fs_, clock_, own_mount_, cache_, *store_);
  applier_->start();
  for (const auto& database : store_->list()) {
    if (database->has_unjournaled_changes()) peer_.unjournaled_changes(database);
  }
  return {};
}

Status Node::start_api() {
  io_ = std::make_unique<net::IoThreads>("io", kIoThreads);
  pool_ = std::make_unique<net::BlockingPool>("work", kPoolThreads, kPoolQueueMax);
  start_streams();
  handover_ = std::make_unique<NodeHandover>(
      NodeHandover::Parts{config_, id_, role_, cluster_id_, *store_, own_mount_, cache_, clock_,
                          *streams_, lease_->consul(), proxy_view_, proxy_.get()});
  admin_view_ = std::make_unique<AdminView>(AdminView::Parts{
      config_, id_, role_, cluster_id_, *store_, fs_, clock_, *applier_, *streams_, *handover_});
  api_ = std::make_unique<admin::Api>(*admin_view_, events_);
  TRY_ASSIGN(guard_, net::ChangeGuard::open(fs_, clock_, config_.data.dir, node_secret(config_)));
  if (!guard_->has_secret()) {
    log::info("no-secret",
              "there is no cluster.secret: other machines may read from the node API and follow "
              "the stream, but not change anything");
  }
  api_->guard_by(*guard_);
  server_ = std::make_unique<net::Server>("node API", *io_, *pool_);
  api_->metrics().add([this](admin::MetricSink& sink) { mount_metrics(sink); });
  api_->metrics().add([this](admin::MetricSink& sink) { streams_->metrics(sink); });
  if (proxy_) {
    api_->metrics().add([this](auto& sink) { proxy_metrics(sink, proxy_->metrics()); });
  }
  api_->add_to(*server_);
  streams_->add_to(*server_);
  lease_->add_routes(server_->router());
  handover_->add_routes(server_->router());
  const auto listeners = inherited_listeners();
  const auto listener = listeners.find("http");
  if (listener == listeners.end()) {
    return fail(Errc::kInvalid, "the keeper passed no socket for the node API");
  }
  TRY(server_->start(listener->second));
  return {};
}

void Node::start_streams() {
  orphans_ = std::make_unique<cluster::Orphans>(fs_, clock_, *store_, id_, machine_name());
  orphans_->observe([this](const cluster::Orphan& orphan) {
    events_.orphan_kept({orphan.database, orphan.id, orphan.fork, orphan.end, orphan.transactions});
  });
  streams_ = std::make_unique<NodeStreams>(
      NodeStreams::Parts{config_, id_, role_, cluster_id_, *store_, clock_, *applier_, feed_, *io_,
                         *orphans_, node_secret(config_)},
      [this] {
        proxy_view_.changed();
        start_app_when_synced();
      },
      [this] { lease_->look(); });
  lease_->connect(*streams_);
  role_files_.connect(*streams_);
  proxy_view_.ready({[this] { return streams_->freshness(); },
                     [this](const std::vector<proxy::DbPosition>& positions, unsigned replicas) {
                       return streams_->acknowledged(positions, replicas);
                     },
                     [this](std::shared_ptr<db::Database> database, peer::Peer::Seen seen) {
                       peer_.when_visible(std::move(database), std::move(seen));
                     }});
}

// Applications find the data of the primary, not of their last visit.
void Node::start_app_when_synced() {
  const bool may = config_.skip_sync || role_.is_primary() || (streams_ && streams_->was_synced());
  if (!may || app_started_.exchange(true)) return;
  const auto start = [this] { keeper_.start_app(config_.lease.candidate, role_.is_primary()); };
  const bool asked = wants_the_lease() && pool_->submit([this, start] {
    ask_for_the_lease();
    start();
  });
  if (!asked) start();
}

// As LiteFS does it: once, when the machine's data are the primary's.
bool Node::wants_the_lease() const {
  const config::LeaseConfig& lease = config_.lease;
  return lease.promote && lease.candidate && lease.type == config::LeaseType::kConsul &&
         !config_.skip_sync && !successor_ && !role_.is_primary();
}

void Node::ask_for_the_lease() {
  if (const Status done = handover_->promote(); !done) {
    log::warn("promote-failed", done.error().message() + "; this node starts as a replica "
                                                        "(lease.promote)");
  }
}

void Node::mount_metrics(admin::MetricSink& sink) const {
  const MountLog::Counters& counters = mount_log_.counters();
  const auto one = [&](const char* name, const char* help, const std::atomic<uint64_t>& count) {
    sink.one(name, admin::MetricType::kCounter, help,
             static_cast<double>(count.load(std::memory_order_relaxed)));
  };
  one("skerry_refused_writes_total", "Writes to the mount that this node may not make.",
      counters.refused);
  one("skerry_unsupported_calls_total", "Calls to the mount that it does not serve.",
      counters.unsupported);
  one("skerry_failed_calls_total", "Calls to the mount that failed.", counters.failed);
}

// The application's writes are answered as long as it runs, here or, once another node is the
// primary, there. If it waits for its idle connections before it ends, it is not to wait for ours.
void Node::application_stops() {
  const bool handed_over = handover_->before_the_end();
  if (proxy_) {
    proxy_->application_stops();
    proxy_->drain(handed_over ? kHeldRequestsLimit : proxy::Ms::zero());
  }
  keeper_.say_handed_over();
}

// The listener's queue is the successor's already.
void Node::drain() {
  server_->drain(kApiDrainLimit);
  if (proxy_) proxy_->drain(kDrainLimit);
  keeper_.say_drained();
}

void Node::report_recovery() const {
  for (const auto& broken : store_->broken()) {
    log::error("database-broken", broken.error.message(), {{"db", broken.name}});
  }
  for (const auto& database : store_->list()) {
    const db::Recovery& found = database->recovery();
    const bool did_something = found.rebuilt_table || found.dropped_records > 0 ||
                               found.adopted_records > 0 || found.derived_commits > 0 ||
                               !found.notes.empty();
    if (!did_something) continue;
    std::string notes;
    for (const std::string& note : found.notes) notes += "; " + note;
    log::info(
        "recovered",
        fmt::format("transactions completed {}, taken from the WAL {}, dropped {}{}",
                    found.adopted_records, found.derived_commits, found.dropped_records, notes),
        {{"db", database->name()}, {"pos", to_string(database->info().position)}});
  }
}

// The mount is gone. Databases are closed in order, so that the next start has nothing to recover.
int Node::stop() {
  server_->stop();
  pool_->stop();
  lease_->stop();
  streams_->stop();
  feed_.stop();
  upkeep_->stop();
  if (auto closed = store_->close(); !closed) {
    log::error("close-failed", closed.error().message());
  }
  // What still runs has nothing left to do, and destructors would wait for it.
  ::_exit(0);
}

}  // namespace skerry::app
