// The clock that leases are counted on: monotonic, and going on while the machine is suspended
// (CLOCK_BOOTTIME), unlike std::chrono::steady_clock. Only differences mean anything, and only on
// the machine, and the boot, that they were taken on.
#pragma once

#include <chrono>

namespace skerry::lease {

using Duration = std::chrono::nanoseconds;

struct LeaseClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<LeaseClock>;
  static constexpr bool is_steady = true;
  [[nodiscard]] static time_point now() noexcept;
};

using Time = LeaseClock::time_point;

inline constexpr Time kNever = Time::max();
inline constexpr Time kLongAgo = Time::min();

// `time` + `duration` without running over the end of time.
[[nodiscard]] constexpr Time after(Time time, Duration duration) {
  return time == kNever ? kNever : time + duration;
}

}  // namespace skerry::lease
