// The node as its proxy sees it (proxy/node_view.h): role, positions of the tracked databases, lag.
//
// Positions are copied from what commits tell, so that the proxy never waits for a database.
//
// Threads: any. What waits is called under the committing database's mutex, among others.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "daemon/app/node/mount_log.h"
#include "daemon/cluster/role.h"
#include "daemon/db/commit_gate.h"
#include "daemon/store/store.h"
#include "proxy/node_view.h"
#include "proxy/session_token.h"

namespace skerry::app {

class ProxyView final : public proxy::NodeView, public db::CommitListener {
 public:
  // What comes from replication; functions that are not given know nothing.
  struct Sources {
    std::function<proxy::Freshness()> freshness{};
    std::function<bool(const std::vector<proxy::DbPosition>&, unsigned replicas)> acknowledged{};
    // As peer::Peer has it.
    using Seen = std::move_only_function<void(std::optional<Txid>)>;
    std::function<void(std::shared_ptr<db::Database>, Seen)> when_visible{};
  };

  ProxyView(const cluster::Role& role, const MountLog& mount_log) : role_(role), log_(mount_log) {}

  // Before databases are opened.
  void track(proxy::Tracked tracked) { tracked_ = std::move(tracked); }
  // Before any of them can move.
  void opened(const store::Store& store);
  // They can be served.
  void ready(Sources sources);
  // Role, lag or acknowledgements may have changed.
  void changed();
  // This node is the primary, but takes no new writes from now on, or does again.
  void set_handing_over(bool handing_over);
  // The primary has given up its right, and this node is about to have it.
  void set_taking_over(bool taking_over);

  void committed(db::Database& database, const db::Transaction& transaction) override;

  uint64_t version() const override { return version_.load(std::memory_order_acquire); }
  proxy::NodeState state() const override;
  proxy::Freshness freshness() const override;
  void positions(std::vector<proxy::DbPosition>& out) const override;
  void look_for_appearing() override;
  uint64_t refused_writes() const override {
    return log_.counters().refused.load(std::memory_order_relaxed);
  }
  bool acknowledged(const std::vector<proxy::DbPosition>& positions,
                    unsigned replicas) const override;
  void notify_once(std::move_only_function<void()> changed) override;

 private:
  // Whose last transaction readers may not see yet.
  struct Appearing {
    std::weak_ptr<db::Database> database;
    bool looked_for = false;
  };
  void set(proxy::DbPosition position, std::weak_ptr<db::Database> database);
  void seen(proxy::DbKey key, std::optional<Txid> up_to);

  const cluster::Role& role_;
  const MountLog& log_;
  proxy::Tracked tracked_;
  std::atomic<uint64_t> version_{0};
  std::atomic<bool> ready_{false};
  std::atomic<bool> handing_over_{false};
  std::atomic<bool> taking_over_{false};
  mutable std::mutex mutex_;
  Sources sources_;                                       // set before ready_
  std::vector<proxy::DbPosition> positions_;              // guarded by mutex_, by key
  std::map<proxy::DbKey, Appearing> appearing_;           // guarded by mutex_
  std::vector<std::move_only_function<void()>> waiting_;  // guarded by mutex_
};

}  // namespace skerry::app
