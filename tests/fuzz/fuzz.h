// What all fuzz targets share: each defines LLVMFuzzerTestOneInput, and INVARIANT says what must
// hold of any input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ltx/base/bytes.h"
#include "ltx/base/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace skerry::fuzz {

[[nodiscard]] inline ByteView view(const uint8_t* data, size_t size) {
  return std::as_bytes(std::span(data, size));
}

// Takes an input apart into decisions; zeros once it is used up.
class Decisions {
 public:
  explicit Decisions(ByteView bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = std::to_integer<uint8_t>(rest_.front());
    rest_ = rest_.subspan(1);
    return value;
  }
  [[nodiscard]] uint32_t word() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  [[nodiscard]] uint32_t below(uint32_t bound) { return bound == 0 ? 0 : word() % bound; }
  [[nodiscard]] ByteView take(size_t n) {
    const ByteView taken = rest_.first(std::min(n, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  ByteView rest_;
};

}  // namespace skerry::fuzz
