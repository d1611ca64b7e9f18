// This node's place in the cluster at the moment, for whoever asks.
//
// Threads: any. is_primary() is two loads and a look at the clock: the write path asks it for each
// write. It turns false by itself when the right to write runs out, whatever the threads do that
// should have renewed it.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <vector>

#include "lease/leaser.h"

namespace skerry::cluster {

class Role {
 public:
  using Now = lease::Time (*)();
  explicit Role(Now now = &lease::LeaseClock::now) : now_(now) {}

  // May write at this moment.
  [[nodiscard]] bool is_primary() const {
    return now_().time_since_epoch() < right_until_.load(std::memory_order_acquire);
  }
  // … or is handing the role over: to applications it is the primary until another one is.
  [[nodiscard]] bool shows_primary() const { return is_primary() || yields_.load(); }
  [[nodiscard]] Epoch epoch() const { return Epoch(epoch_.load(std::memory_order_acquire)); }
  [[nodiscard]] lease::LeaseState state() const;
  // The primary, or who it was when it was last known; never this node unless it is the primary.
  [[nodiscard]] std::optional<lease::PrimaryInfo> last_primary() const;

  // What the leaser says, effective when this returns. True: others should be told. (A primary's
  // right is prolonged all the time; that is nobody's news.)
  bool store(const lease::LeaseState& state);
  void announce(const lease::LeaseState& state) const;
  void set(const lease::LeaseState& state) {
    if (store(state)) announce(state);
  }
  // Called with each announcement, on the thread that makes it; not to be added while others set.
  using Observer = std::function<void(const lease::LeaseState&)>;
  void observe(Observer observer) { observers_.push_back(std::move(observer)); }

 private:
  const Now now_;
  std::atomic<lease::Duration> right_until_{lease::Duration::min()};
  std::atomic<bool> yields_{false};
  std::atomic<uint64_t> epoch_{0};
  mutable std::mutex mutex_;
  lease::LeaseState state_;                         // guarded by mutex_
  std::optional<lease::PrimaryInfo> last_primary_;  // guarded by mutex_
  std::vector<Observer> observers_;
};

}  // namespace skerry::cluster
