// How many requests may be held for a primary at a time, over all threads: in number, and in bytes
// of theirs that are in memory.
#pragma once

#include <atomic>
#include <cstddef>

#include "proxy/limits.h"

namespace skerry::proxy {

class HoldBudget {
 public:
  [[nodiscard]] bool take(size_t bytes) {
    const size_t requests = requests_.fetch_add(1, std::memory_order_relaxed);
    const size_t held = bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (requests < kHeldRequestsMax && held + bytes <= kHeldBytesMax) return true;
    give_back(bytes);
    return false;
  }
  void give_back(size_t bytes) {
    requests_.fetch_sub(1, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }

 private:
  std::atomic<size_t> requests_{0};
  std::atomic<size_t> bytes_{0};
};

}  // namespace skerry::proxy
