// Keeps an event that happens a thousand times a second from becoming a thousand lines: admits one
// per interval and counts the rest. One object per place that logs; any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

namespace skerry::log {

class Limiter {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Limiter(Clock::duration interval = std::chrono::seconds(1)) : interval_(interval) {}

  // How many events were suppressed since the last admitted one, or nothing: suppress this one too.
  [[nodiscard]] std::optional<uint64_t> admit(Clock::time_point now = Clock::now());

 private:
  const Clock::duration interval_;
  std::atomic<Clock::rep> next_{std::numeric_limits<Clock::rep>::min()};
  std::atomic<uint64_t> suppressed_{0};
};

}  // namespace skerry::log
