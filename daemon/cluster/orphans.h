// The node's orphans while it runs: decides whether something is lost when the primary's state
// takes the place of a database's, keeps it, and tells.
//
// Threads: any; keep_lost() blocks for as long as a copy of the database takes.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <span>

#include "daemon/cluster/orphan.h"
#include "daemon/cluster/orphan_plan.h"
#include "daemon/os/clock.h"
#include "daemon/store/store.h"

namespace skerry::cluster {

// Positions of a database's own history that are compared with the primary's.
inline constexpr size_t kOrphanPositionsMax = 16384;

class Orphans {
 public:
  // What is there of earlier runs is counted. All outlive it.
  Orphans(os::FileSystem& fs, os::Clock& clock, store::Store& store, NodeId node,
          std::string hostname);

  // Told of each new one. Before the first keep_lost().
  void observe(std::function<void(const Orphan&)> observer) { observer_ = std::move(observer); }

  struct Replacement {
    std::string database;
    Position local;
    std::span<const Position> past;  // of the primary, newest first
    bool other_history = false;      // it says so
    Writer primary;
    std::string primary_hostname;
  };
  // Once this returns, everything of the database that the primary does not have is on disk beside
  // it, or nothing was lost. An error says that it could not be kept: nothing may be replaced.
  [[nodiscard]] Status keep_lost(const Replacement& what);

  [[nodiscard]] size_t count() const;  // looks at the disk
  // Since this process started.
  [[nodiscard]] uint64_t transactions() const { return transactions_; }

 private:
  [[nodiscard]] Result<bool> is_kept(const Replacement& what) const;
  [[nodiscard]] Status keep(const Replacement& what, std::shared_ptr<db::Database> database,
                            const OrphanPlan& plan, Epoch epoch);

  os::FileSystem& fs_;
  os::Clock& clock_;
  store::Store& store_;
  const NodeId node_;
  const std::string hostname_;
  std::function<void(const Orphan&)> observer_;
  std::mutex mutex_;  // one is written at a time
  std::atomic<uint64_t> transactions_{0};
};

}  // namespace skerry::cluster
