// Where a decoder takes its bytes from: memory, a file, a socket.
#pragma once

#include <algorithm>

#include "ltx/base/bytes.h"
#include "ltx/base/result.h"

namespace skerry::ltx {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills the front of `into` and says how far; 0 only at the end.
  [[nodiscard]] virtual Result<size_t> read(ByteSpan into) = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ByteView bytes) : rest_(bytes) {}  // the bytes must outlive it

  [[nodiscard]] Result<size_t> read(ByteSpan into) override {
    const size_t n = std::min(into.size(), rest_.size());
    std::copy_n(rest_.begin(), n, into.begin());
    rest_ = rest_.subspan(n);
    return n;
  }

 private:
  ByteView rest_;
};

}  // namespace skerry::ltx
