// Bytes that can be read at any offset: a file, a mapping, memory, a range of an object store.
#pragma once

#include <algorithm>
#include <string>

#include "ltx/base/bytes.h"
#include "ltx/base/result.h"

namespace skerry::ltx {

class RandomAccess {
 public:
  virtual ~RandomAccess() = default;
  [[nodiscard]] virtual Result<uint64_t> size() = 0;
  // Fills `into` from `offset`; kCorrupt if the bytes end before.
  [[nodiscard]] virtual Status read_at(uint64_t offset, ByteSpan into) = 0;
};

class MemoryAccess final : public RandomAccess {
 public:
  explicit MemoryAccess(ByteView bytes) : bytes_(bytes) {}  // the bytes must outlive it

  [[nodiscard]] Result<uint64_t> size() override { return bytes_.size(); }

  [[nodiscard]] Status read_at(uint64_t offset, ByteSpan into) override {
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset) {
      return fail(Errc::kCorrupt, "read of " + std::to_string(into.size()) + " bytes at " +
                                      std::to_string(offset) + ": only " +
                                      std::to_string(bytes_.size()) + " there");
    }
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
    return {};
  }

 private:
  ByteView bytes_;
};

}  // namespace skerry::ltx
