// Time as a seam. Monotonic time is for deadlines, wall time for timestamps that people read.
#pragma once

#include <chrono>

namespace skerry::os {

using Duration = std::chrono::nanoseconds;
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonotonicTime now() = 0;
  [[nodiscard]] virtual int64_t wall_ms() = 0;  // since the Unix epoch
};

class SystemClock final : public Clock {
 public:
  MonotonicTime now() override { return std::chrono::steady_clock::now(); }
  int64_t wall_ms() override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace skerry::os
