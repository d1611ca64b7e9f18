#include "daemon/log/limiter.h"

namespace skerry::log {

std::optional<uint64_t> Limiter::admit(Clock::time_point now) {
  const Clock::rep at = now.time_since_epoch().count();
  Clock::rep next = next_.load(std::memory_order_relaxed);
  // Of several threads that come at once the exchange lets one through.
  if (at < next || !next_.compare_exchange_strong(next, at + interval_.count())) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return suppressed_.exchange(0, std::memory_order_relaxed);
}

}  // namespace skerry::log
