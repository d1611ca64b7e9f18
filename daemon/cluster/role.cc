#include "daemon/cluster/role.h"

namespace skerry::cluster {

lease::LeaseState Role::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Role::set(const lease::LeaseState& state) {
  {
    const std::lock_guard lock(mutex_);
    if (state == state_) return;
    state_ = state;
    epoch_.store(state.epoch.value(), std::memory_order_release);
    is_primary_.store(state.is_primary, std::memory_order_release);
  }
  for (const Observer& observer : observers_) observer(state);
}

}  // namespace skerry::cluster
