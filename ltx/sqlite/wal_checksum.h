// The checksum that chains a WAL's frames (source: "The SQLite database file format", 4.2).
#pragma once

#include <cstdint>

#include "ltx/base/bytes.h"

namespace skerry::sqlite {

// How the 32-bit words of the data are read; the WAL header's magic says which.
enum class WalByteOrder : uint8_t { kLittle, kBig };

struct WalChecksum {
  uint32_t s0 = 0;
  uint32_t s1 = 0;
  friend bool operator==(WalChecksum, WalChecksum) = default;
};

// `data` must be a multiple of eight bytes.
[[nodiscard]] WalChecksum wal_checksum(WalChecksum start, WalByteOrder order, ByteView data);

}  // namespace skerry::sqlite
