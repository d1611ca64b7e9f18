// The node's streams: serves replicas while it is the primary, follows the primary while it is not,
// and tells the rest of the node how far others and it have come.
//
// Threads: any; role_is() never from an io or pool thread (it waits for what is being applied).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "daemon/admin/metrics.h"
#include "daemon/admin/node_view.h"
#include "daemon/app/node/catch_up.h"
#include "daemon/apply/applier.h"
#include "daemon/cluster/cluster_id.h"
#include "daemon/cluster/orphans.h"
#include "daemon/cluster/role.h"
#include "daemon/config/config.h"
#include "daemon/net/server.h"
#include "daemon/replication/stream_client.h"
#include "daemon/replication/stream_server.h"
#include "lease/lease_data.h"
#include "proxy/node_view.h"

namespace skerry::app {

// Pool threads for streams: applying, and reading for replicas that are behind.
inline constexpr size_t kStreamThreads = 4;
inline constexpr size_t kStreamQueueMax = 2 * replication::kStreamsMax;

class NodeStreams final : private replication::ReceiverLog {
 public:
  // All of it outlives this.
  struct Parts {
    const config::Config& config;
    NodeId id;
    const cluster::Role& role;
    cluster::ClusterId& cluster_id;
    store::Store& store;
    os::Clock& clock;
    apply::Applier& applier;
    replication::CommitFeed& feed;
    net::IoThreads& io;
    cluster::Orphans& orphans;
    std::string secret;  // the cluster's; empty: there is none
  };
  // `changed`, below: connection, lag or acknowledgements did; called from any thread, must not block.
  // `catch_up_moved`: catch_up_advances() is wanted; as above.
  NodeStreams(const Parts& parts, std::function<void()> changed,
              std::function<void()> catch_up_moved);
  ~NodeStreams() override;

  // Before the server starts.
  void add_to(net::Server& server);
  void role_is(const lease::LeaseState& state);
  // Follows nobody before it is done, or before somebody else becomes the primary.
  void catch_up(const lease::Peer& from, CatchUp::Done done);
  // Called a few times a second, and after `catch_up_moved`.
  void catch_up_advances();
  // While this is the primary: how far the replica has come that has the most on its disk.
  [[nodiscard]] lease::Standing best_follower() const;
  // Nothing is applied or sent any more when it returns. The server was stopped before.
  void stop();

  // Whether everything that a primary had has been here, since this node's start.
  [[nodiscard]] bool was_synced() const { return client_.was_synced(); }
  // Nothing before the first sync; 0 on the primary.
  [[nodiscard]] std::optional<int64_t> lag_ms() const;
  [[nodiscard]] int64_t last_timestamp_ms() const;
  [[nodiscard]] std::vector<admin::Stream> streams() const;
  // Those that follow this primary.
  [[nodiscard]] std::vector<replication::StreamInfo> replicas() const { return server_.streams(); }
  [[nodiscard]] std::string region() const { return region_; }
  [[nodiscard]] std::string last_error() const { return client_.state().last_error; }
  [[nodiscard]] proxy::Freshness freshness() const;
  // At least `replicas` replicas have these positions on their disks.
  [[nodiscard]] bool acknowledged(const std::vector<proxy::DbPosition>& positions,
                                  unsigned replicas) const;
  void metrics(admin::MetricSink& sink) const;

 private:
  [[nodiscard]] Result<replication::StreamSelf> self(bool catches_up) const;
  void follow(const lease::LeaseState& state);  // with role_mutex_ held
  [[nodiscard]] replication::ReceiverSettings settings() const;
  [[nodiscard]] Status welcomed(const replication::Receiver::Primary& primary);

  void repairing(const std::string& database, const Error& why) override;
  Status replacing(const Replacement& what) override;
  void image_done(const std::string& database, Position position, uint64_t pages) override;

  const Parts parts_;
  const std::string region_;
  net::BlockingPool pool_;
  replication::StreamServer server_;
  replication::StreamClient client_;
  mutable std::mutex role_mutex_;
  CatchUp catch_up_;         // guarded by role_mutex_
  std::string followed_;     // guarded by role_mutex_
  bool stopped_ = false;      // guarded by role_mutex_
  bool was_primary_ = false;  // guarded by role_mutex_
  Epoch served_epoch_;       // guarded by role_mutex_
  lease::Standing began_;    // where this node's tenure began; guarded by role_mutex_
  std::atomic<uint64_t> repairs_{0};
  std::atomic<uint64_t> images_{0};
};

}  // namespace skerry::app
