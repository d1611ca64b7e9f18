// A running node: constructs every part, starts them in order, stops them in the reverse.
#pragma once

#include <memory>

#include "daemon/admin/api.h"
#include "daemon/app/node/admin_view.h"
#include "daemon/app/node/keeper_channel.h"
#include "daemon/app/node/kernel_cache.h"
#include "daemon/app/node/mount_log.h"
#include "daemon/app/node/node_files.h"
#include "daemon/app/node/node_handover.h"
#include "daemon/app/node/node_lease.h"
#include "daemon/app/node/node_streams.h"
#include "daemon/app/node/proxy_start.h"
#include "daemon/app/node/role_in_mount.h"
#include "daemon/app/node/upkeep_log.h"
#include "daemon/apply/node_applier.h"
#include "daemon/cluster/history_log.h"
#include "daemon/cluster/write_gate.h"
#include "daemon/config/config.h"
#include "daemon/db/commit_fanout.h"
#include "daemon/os/posix_file_system.h"

namespace skerry::app {

// io threads wait for sockets only; pool threads do what blocks (THREADS.md).
inline constexpr size_t kIoThreads = 2;
inline constexpr size_t kPoolThreads = 4;
inline constexpr size_t kPoolQueueMax = 64;
// For requests to the node API before a successor takes over; the proxy's have their own.
inline constexpr std::chrono::milliseconds kApiDrainLimit{400};
// Requests that were held at a primary that ends, and go to its successor.
inline constexpr proxy::Ms kHeldRequestsLimit{400};

class Node {
 public:
  // `changes` outlives it.
  Node(const config::Config& config, bool successor, os::Changes& changes);
  ~Node();

  // Serves until the keeper says otherwise; returns the process's exit code.
  int run();

 private:
  [[nodiscard]] Status start();
  void start_upkeep();
  [[nodiscard]] Status start_mount();
  [[nodiscard]] Status start_api();
  void start_streams();
  void note_history(const lease::LeaseState& state);
  void start_app_when_synced();
  [[nodiscard]] bool wants_the_lease() const;
  void ask_for_the_lease();
  void mount_metrics(admin::MetricSink& sink) const;
  void report_recovery() const;
  void application_stops();
  void drain();
  int stop();

  const config::Config& config_;
  const bool successor_;
  const NodeId id_;
  KeeperChannel keeper_;
  os::PosixFileSystem fs_;
  os::SystemClock clock_;
  MountLog mount_log_;
  cluster::Role role_;
  cluster::WriteGate gate_;
  cluster::ClusterId cluster_id_;
  cluster::HistoryLog history_log_;
  admin::EventHub events_;
  replication::CommitFeed feed_;
  db::CommitFanout listeners_;
  MountCache cache_;
  RoleInMount role_in_mount_;
  ProxyView proxy_view_;
  RoleFiles role_files_;
  peer::Peer peer_;
  MountHooks hooks_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<NodeLease> lease_;
  UpkeepLog upkeep_log_;
  std::unique_ptr<store::Upkeep> upkeep_;
  std::unique_ptr<fusefs::Directory> directory_;
  std::unique_ptr<fusefs::Session> session_;
  std::unique_ptr<fusefs::Notifier> notifier_;
  std::atomic<bool> serving_{false};
  std::atomic<bool> app_started_{false};
  const peer::OwnMount own_mount_;
  std::unique_ptr<apply::NodeApplier> applier_;
  std::unique_ptr<net::IoThreads> io_;
  std::unique_ptr<net::BlockingPool> pool_;
  std::unique_ptr<cluster::Orphans> orphans_;
  std::unique_ptr<NodeStreams> streams_;
  std::unique_ptr<NodeHandover> handover_;
  std::unique_ptr<AdminView> admin_view_;
  std::unique_ptr<net::ChangeGuard> guard_;
  std::unique_ptr<admin::Api> api_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<proxy::Proxy> proxy_;
};

}  // namespace skerry::app
