// The bytes by which SQLite's processes lock each other (source: SQLite's os.h, wal.c; "The SQLite
// database file format", 1.4 and 2.3). They are locked, never read or written.
#pragma once

#include <cstdint>

#include "ltx/base/types.h"

namespace skerry::sqlite {

// In the database file. SHARED readers hold a read lock on the shared range, a writer first
// RESERVED, then PENDING (no new reader), then a write lock on the whole shared range (EXCLUSIVE).
inline constexpr uint64_t kPendingByte = 0x40000000;
inline constexpr uint64_t kReservedByte = kPendingByte + 1;
inline constexpr uint64_t kSharedFirst = kPendingByte + 2;
inline constexpr uint64_t kSharedBytes = 510;

// In the -shm file, one byte per lock of the wal-index.
inline constexpr uint64_t kWalWriteLock = 120;
inline constexpr uint64_t kWalCheckpointLock = 121;
inline constexpr uint64_t kWalRecoverLock = 122;
inline constexpr uint64_t kWalReadLock0 = 123;  // 123 … 127: WAL_READ_LOCK(0) … (4)
inline constexpr int kWalReadLocks = 5;
inline constexpr uint64_t kWalDeadManSwitch = 128;  // read-locked by every connection

// The page that contains the lock bytes holds no data; LTX leaves it out.
[[nodiscard]] constexpr PageNo lock_page(PageSize size) {
  return PageNo(static_cast<uint32_t>(kPendingByte / size.bytes()) + 1);
}

}  // namespace skerry::sqlite
