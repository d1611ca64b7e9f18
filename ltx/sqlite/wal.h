// Header and frame header of a write-ahead log (source: "The SQLite database file
// format", 4.1–4.2).
#pragma once

#include <array>
#include <optional>

#include "ltx/base/bytes.h"
#include "ltx/base/types.h"
#include "ltx/sqlite/wal_checksum.h"

namespace skerry::sqlite {

inline constexpr size_t kWalHeaderBytes = 32;
inline constexpr size_t kWalFrameHeaderBytes = 24;

struct WalSalt {
  uint32_t salt1 = 0;
  uint32_t salt2 = 0;
  friend bool operator==(WalSalt, WalSalt) = default;
};

struct WalHeader {
  WalByteOrder order = WalByteOrder::kLittle;  // of the checksums; the fields are big-endian
  PageSize page_size = *PageSize::of(4096);
  uint32_t checkpoint_sequence = 0;
  WalSalt salt;
  WalChecksum checksum;  // of the first 24 bytes; the frames' chain starts from it
};

struct WalFrameHeader {
  PageNo pgno;
  uint32_t commit = 0;  // pages in the database after the commit; 0: not the end of a transaction
  WalSalt salt;
  WalChecksum checksum;
};

// Nothing if magic, version, page size or checksum are wrong: SQLite then treats the WAL as empty.
[[nodiscard]] std::optional<WalHeader> decode_wal_header(ByteView bytes);
[[nodiscard]] std::array<std::byte, kWalHeaderBytes> encode(WalHeader header);  // sums it up itself

[[nodiscard]] WalFrameHeader decode_wal_frame_header(
    std::span<const std::byte, kWalFrameHeaderBytes> bytes);
void encode(const WalFrameHeader& header, std::span<std::byte, kWalFrameHeaderBytes> into);

// The chain's next checksum: over the first eight bytes of the frame header, then the page.
[[nodiscard]] WalChecksum wal_frame_checksum(WalChecksum previous, WalByteOrder order, PageNo pgno,
                                             uint32_t commit, ByteView page);

[[nodiscard]] constexpr uint64_t wal_frame_bytes(PageSize size) {
  return kWalFrameHeaderBytes + size.bytes();
}
// Byte offset of a frame's header; frames count from 1, as in the wal-index.
[[nodiscard]] constexpr uint64_t wal_frame_offset(uint32_t frame, PageSize size) {
  return kWalHeaderBytes + uint64_t{frame - 1} * wal_frame_bytes(size);
}

}  // namespace skerry::sqlite
