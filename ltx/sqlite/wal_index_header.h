// The head of SQLite's wal-index (the -shm file): what the last transaction in the WAL is. Numbers
// are in the machine's byte order (FORMAT.md draws it; source: "WAL-mode File Format", 2, and
// SQLite's wal.c).
#pragma once

#include <array>
#include <optional>

#include "ltx/base/bytes.h"
#include "ltx/base/types.h"
#include "ltx/sqlite/wal.h"

namespace skerry::sqlite {

inline constexpr size_t kWalIndexHeaderBytes = 48;  // of each of its two copies

struct WalIndexHeader {
  uint32_t changes = 0;                        // counts the commits, so that each looks different
  WalByteOrder order = WalByteOrder::kLittle;  // of the checksums in the WAL
  PageSize page_size = *PageSize::of(4096);
  uint32_t max_frame = 0;       // the last committed frame, counted from 1; 0: none
  uint32_t database_pages = 0;  // after that commit
  WalChecksum frame_checksum;   // of that frame: the next one continues it
  WalSalt salt;                 // the WAL header's

  friend bool operator==(const WalIndexHeader&, const WalIndexHeader&) = default;
};

using WalIndexHeaderBytes = std::array<std::byte, kWalIndexHeaderBytes>;

// One copy, with its own checksum.
[[nodiscard]] WalIndexHeaderBytes encode(const WalIndexHeader& header);

// Nothing if the copy was never written, its checksum is wrong, or it is of another version.
[[nodiscard]] std::optional<WalIndexHeader> decode_wal_index_header(
    const WalIndexHeaderBytes& bytes);

}  // namespace skerry::sqlite
