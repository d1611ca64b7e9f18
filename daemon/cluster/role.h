// This node's place in the cluster at the moment, for whoever asks.
//
// Threads: any. is_primary() is one atomic load: the write path asks it for each write.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "lease/leaser.h"

namespace skerry::cluster {

class Role {
 public:
  [[nodiscard]] bool is_primary() const { return is_primary_.load(std::memory_order_acquire); }
  [[nodiscard]] Epoch epoch() const { return Epoch(epoch_.load(std::memory_order_acquire)); }
  [[nodiscard]] lease::LeaseState state() const;

  void set(const lease::LeaseState& state);
  // Called after each change, on the thread that made it; not to be added while others set.
  using Observer = std::function<void(const lease::LeaseState&)>;
  void observe(Observer observer) { observers_.push_back(std::move(observer)); }

 private:
  std::atomic<bool> is_primary_{false};
  std::atomic<uint64_t> epoch_{0};
  mutable std::mutex mutex_;
  lease::LeaseState state_;  // guarded by mutex_
  std::vector<Observer> observers_;
};

}  // namespace skerry::cluster
