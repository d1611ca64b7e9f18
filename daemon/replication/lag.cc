#include "daemon/replication/lag.h"

#include <algorithm>
#include <utility>

#include "daemon/replication/limits.h"

namespace skerry::replication {

static constexpr std::chrono::minutes kClockWindow{10};

void Lag::applied(int64_t primary_ms, int64_t local_wall_ms, Time now) {
  const std::lock_guard lock(mutex_);
  if (now - window_ > kClockWindow) {
    difference_before_ = std::exchange(difference_, std::nullopt);
    window_ = now;
  }
  const int64_t difference = local_wall_ms - primary_ms;
  difference_ = std::min(difference_.value_or(difference), difference);
  delay_ms_ = difference - std::min(*difference_, difference_before_.value_or(*difference_));
  primary_ms_ = std::max(primary_ms_, primary_ms);
  at_ = now;
  synced_ = true;
}

void Lag::new_primary() {
  const std::lock_guard lock(mutex_);
  difference_.reset();
  difference_before_.reset();
  primary_ms_ = 0;
}

std::optional<int64_t> Lag::milliseconds(Time now) const {
  const std::lock_guard lock(mutex_);
  if (!synced_) return std::nullopt;
  const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(now - at_).count();
  // Between heartbeats silence means that nothing was committed.
  constexpr int64_t kQuietMs = std::chrono::milliseconds(kHeartbeatEvery).count() * 3 / 2;
  return delay_ms_ + (silent > kQuietMs ? silent : 0);
}

int64_t Lag::primary_ms() const {
  const std::lock_guard lock(mutex_);
  return primary_ms_;
}

}  // namespace skerry::replication
