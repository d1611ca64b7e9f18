#include "daemon/app/node/node.h"

#include <fmt/format.h>
#include <unistd.h>

#include <random>

#include "daemon/keeper/protocol.h"
#include "daemon/log/log.h"
#include "lease/static_leaser.h"

namespace skerry::app {

// Random per start, as LiteFS's: volumes are cloned.
static NodeId random_node_id() {
  std::random_device device;
  return NodeId((uint64_t{device()} << 32) | device());
}

Node::Node(const config::Config& config, bool successor)
    : config_(config),
      successor_(successor),
      gate_(role_),
      role_files_(role_),
      peer_(config.fuse.dir, clock_),
      hooks_(role_, peer_) {}

Node::~Node() = default;

int Node::run() {
  if (auto started = start(); !started) {
    log::error("start-failed", started.error().message());
    return keeper::kExitHopeless;
  }
  keeper_.say_ready();
  keeper_.start_app(config_.lease.candidate);
  for (;;) {
    switch (keeper_.wait()) {
      case keeper::kRelease:
        peer_.stop();
        keeper_.say_released();
        break;
      case keeper::kFinish:
        return stop();
      case '\0':
        ::_exit(1);  // the keeper is gone, and the mount with it
      default:
        break;
    }
  }
}

Status Node::start() {
  const db::Environment environment{fs_, clock_, gate_, listener_, cache_, random_node_id()};
  TRY_ASSIGN(store_, store::Store::open(environment, config_.data.dir));
  report_recovery();
  leaser_ = std::make_unique<lease::StaticLeaser>(
      config_.lease.candidate,
      lease::PrimaryInfo{config_.lease.hostname, config_.lease.advertise_url});
  leaser_->start([this](const lease::LeaseState& state) { role_.set(state); });
  return start_mount();
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
  cache_.connect(notifier_.get());
  TRY(session_->start(successor_));
  peer_.start();
  for (const auto& database : store_->list()) {
    if (database->has_unjournaled_changes()) peer_.unjournaled_changes(database);
  }
  return {};
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
  leaser_->stop();
  if (auto closed = store_->close(); !closed) {
    log::error("close-failed", closed.error().message());
  }
  // What still runs has nothing left to do, and destructors would wait for it.
  ::_exit(0);
}

}  // namespace skerry::app
