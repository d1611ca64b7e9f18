// The node's part in the election: which leaser there is, what it asks of the node, and who is told
// what it says.
//
// Threads: every method may be called from any thread; start() and stop() once each, in that order.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "daemon/app/node/node_streams.h"
#include "daemon/cluster/clerk.h"
#include "daemon/cluster/cluster_id.h"
#include "daemon/cluster/lease_file.h"
#include "daemon/cluster/lease_routes.h"
#include "daemon/cluster/role.h"
#include "daemon/config/config.h"
#include "daemon/net/router.h"
#include "daemon/store/store.h"
#include "lease/consul_leaser.h"

namespace skerry::app {

class NodeLease final : private lease::NodeSide {
 public:
  // All of it outlives this.
  struct Parts {
    const config::Config& config;
    NodeId id;
    cluster::Role& role;
    cluster::ClusterId& cluster_id;
    store::Store& store;
    os::FileSystem& fs;
  };
  [[nodiscard]] static Result<std::unique_ptr<NodeLease>> open(const Parts& parts);
  ~NodeLease() override;

  // The role is set from now on. `settle`: waits, a little, until it is known who the primary is;
  // for the successor of a process whose writers wait.
  [[nodiscard]] Status start(bool settle);
  // Gives the lease back and leaves; waits a little for it.
  void stop();

  void add_routes(net::Router& router);
  // Null with a static lease.
  [[nodiscard]] lease::ConsulLeaser* consul() { return consul_; }

  // The streams exist from now on and outlive stop(): what a catch-up gets data by, and who knows
  // how far replicas have come.
  void connect(NodeStreams& streams);
  // Something has moved that the election may want to know of at once.
  void look();

 private:
  explicit NodeLease(const Parts& parts);
  [[nodiscard]] Status open_consul();
  void look_at_databases();
  [[nodiscard]] cluster::ClusterView view() const;

  // On the lease's thread.
  lease::event::Facts facts() override;
  void persist(Epoch epoch, bool holder, Done done) override;
  void adopt_cluster_id(const std::string& id) override;
  void catch_up(const lease::Peer& from, Done done) override;
  void tell(std::string_view key, const std::string& message) override;

  const Parts parts_;
  cluster::LeaseFile file_;  // of the clerk's thread, once it runs
  std::atomic<NodeStreams*> streams_{nullptr};
  cluster::Clerk clerk_;
  std::mutex mutex_;
  lease::event::Facts facts_;  // guarded by mutex_
  std::unique_ptr<lease::Leaser> leaser_;
  lease::ConsulLeaser* consul_ = nullptr;
};

}  // namespace skerry::app
