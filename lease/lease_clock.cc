#include "lease/lease_clock.h"

#include <ctime>

namespace skerry::lease {

LeaseClock::time_point LeaseClock::now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);  // cannot fail with a valid clock
  return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace skerry::lease
