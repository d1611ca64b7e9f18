// How a transaction stands in the commit log: a head of 40 bytes, then an LTX file (FORMAT.md).
//
//   0  "SKRC"            8  bytes of the LTX file    24  last txid
//   4  flags (u32)      16  first txid               32  CRC64-ISO of the 32 bytes before
//
// All big-endian. Zeros, or the end of the file, end the log.
#pragma once

#include <array>
#include <optional>

#include "ltx/base/bytes.h"
#include "ltx/base/types.h"

namespace skerry::db {

inline constexpr size_t kRecordHeadBytes = 40;

struct RecordHead {
  // The transaction came from the primary. It was acknowledged, so recovery applies it again
  // instead of dropping it when the database does not show it yet.
  static constexpr uint32_t kReplicated = 1;
  // A local import: recovery drops it when the database does not show it.
  static constexpr uint32_t kImport = 4;
  // It is written into the database file, over the pages of before: whoever finds it past the
  // position must finish that before anybody reads the file.
  static constexpr uint32_t kInPlace = 2;

  uint32_t flags = 0;
  uint64_t ltx_bytes = 0;
  Txid first;
  Txid last;
};

[[nodiscard]] std::array<std::byte, kRecordHeadBytes> encode(const RecordHead& head);
[[nodiscard]] std::optional<RecordHead> decode_record_head(
    std::span<const std::byte, kRecordHeadBytes> bytes);

}  // namespace skerry::db
