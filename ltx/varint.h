// Unsigned LEB128, as Go's encoding/binary writes it: in LTX's page index and on the wire.
#pragma once

#include <cstdint>
#include <optional>

#include "ltx/base/bytes.h"

namespace skerry::ltx {

inline constexpr size_t kVarintBytesMax = 10;

inline void append_varint(Bytes& to, uint64_t value) {
  while (value >= 0x80) {
    to.push_back(static_cast<std::byte>(value | 0x80));
    value >>= 7;
  }
  to.push_back(static_cast<std::byte>(value));
}

// Takes one number off the front of `from`; nothing if it is cut off or longer than 64 bits.
[[nodiscard]] inline std::optional<uint64_t> take_varint(ByteView& from) {
  uint64_t value = 0;
  for (size_t i = 0; i < from.size() && i < kVarintBytesMax; ++i) {
    auto byte = std::to_integer<uint64_t>(from[i]);
    if (i == kVarintBytesMax - 1 && byte > 1) return std::nullopt;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      from = from.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace skerry::ltx
