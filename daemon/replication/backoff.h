// How long to wait before the next attempt: doubling from the first delay to the longest, each
// spread over its upper half, so that many nodes do not come at once. Pure; the caller brings the
// randomness.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace skerry::replication {

class Backoff {
 public:
  using Duration = std::chrono::nanoseconds;
  Backoff(Duration first, Duration longest) : first_(first), longest_(longest), due_(first) {}

  // `random`: any number, evenly distributed.
  [[nodiscard]] Duration next(uint32_t random) {
    const Duration half = due_ / 2;
    const Duration delay = half + Duration(half.count() / 65536 * (random % 65536));
    due_ = std::min(due_ * 2, longest_);
    return delay;
  }
  // It worked.
  void reset() { due_ = first_; }

 private:
  const Duration first_;
  const Duration longest_;
  Duration due_;
};

}  // namespace skerry::replication
