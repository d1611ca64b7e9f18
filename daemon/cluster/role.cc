#include "daemon/cluster/role.h"

namespace skerry::cluster {

lease::LeaseState Role::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::optional<lease::PrimaryInfo> Role::last_primary() const {
  const std::lock_guard lock(mutex_);
  return last_primary_;
}

bool Role::store(const lease::LeaseState& state) {
  const std::lock_guard lock(mutex_);
  yields_ = state.phase == lease::Phase::kYielded;
  // The epoch first: whoever sees the right writes under it. The end of a right first of all.
  if (!state.is_primary) right_until_.store(lease::Duration::min(), std::memory_order_release);
  epoch_.store(state.epoch.value(), std::memory_order_release);
  if (state.is_primary) {
    right_until_.store(state.right_until.time_since_epoch(), std::memory_order_release);
  }
  const lease::Time prolonged = state.right_until;
  lease::LeaseState before = std::exchange(state_, state);
  if (state.is_primary) {
    last_primary_.reset();
  } else if (state.primary) {
    last_primary_ = state.primary;
  }
  before.right_until = prolonged;
  return before != state;
}

void Role::announce(const lease::LeaseState& state) const {
  for (const Observer& observer : observers_) observer(state);
}

}  // namespace skerry::cluster
