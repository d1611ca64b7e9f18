// SQLite's wal-index (the -shm file) as operations on memory that live SQLite processes share
// (FORMAT.md draws it; source: "WAL-mode File Format", 2, and SQLite's wal.c). Every access is
// atomic, and the header is published in SQLite's order, so that a reader sees all of a commit or
// nothing of it. Excluding other writers is the caller's: each method names the locks
// (lock_bytes.h) to hold. Of one object, no two methods may run at once.
//
// Whatever the memory holds, nothing outside its blocks is touched and every loop ends; kCorrupt
// says that it cannot be SQLite's, and rebuild() mends it. Other errors are the memory's.
#pragma once

#include <optional>
#include <span>

#include "ltx/base/result.h"
#include "ltx/sqlite/wal_index_header.h"

namespace skerry::sqlite {

inline constexpr size_t kWalIndexBlockBytes = 32768;
inline constexpr uint32_t kWalIndexBlockFrames = 4096;
// The first block also holds both copies of the header and the checkpoint information.
inline constexpr size_t kWalIndexHeadBytes = 136;
inline constexpr uint32_t kWalIndexFirstBlockFrames = 4062;

inline constexpr size_t kReadMarks = 5;
inline constexpr uint32_t kReadMarkNotUsed = 0xffffffff;

// The -shm file's mapping. Blocks are 32 KiB, aligned to 4 bytes, and stay where they are.
class WalIndexMemory {
 public:
  virtual ~WalIndexMemory() = default;
  // nullptr if the file is shorter.
  [[nodiscard]] virtual std::byte* block(size_t index) = 0;
  // Makes the file at least so long; what is added is zero.
  [[nodiscard]] virtual Status grow(size_t blocks) = 0;
};

// Block that holds a frame (from 1).
[[nodiscard]] constexpr size_t wal_index_block(uint32_t frame) {
  return (size_t{frame} + kWalIndexBlockFrames - kWalIndexFirstBlockFrames - 1) /
         kWalIndexBlockFrames;
}

class WalIndex {
 public:
  explicit WalIndex(WalIndexMemory& memory) : memory_(memory) {}  // the memory must outlive it

  // Nothing if it is absent, damaged, or being written this very moment: ask again under
  // WAL_WRITE_LOCK, and if there still is nothing, rebuild. No lock needed.
  [[nodiscard]] std::optional<WalIndexHeader> header();

  // Publishes everything up to header.max_frame. WAL_WRITE_LOCK.
  [[nodiscard]] Status write_header(const WalIndexHeader& header);

  // Makes it no wal-index: whoever comes next rebuilds it from the WAL. All locks of the wal-index,
  // exclusively.
  [[nodiscard]] Status invalidate();

  // Enters a frame behind the published ones; nobody sees it before write_header(). Frames come in
  // order. `max_frame` is the published header's: what a writer that gave up left above it is
  // cleared. WAL_WRITE_LOCK.
  [[nodiscard]] Status append(uint32_t frame, PageNo pgno, uint32_t max_frame);

  // Forgets the frames above `max_frame`, as a rollback does. WAL_WRITE_LOCK.
  void truncate(uint32_t max_frame);

  // The newest of the frames min_frame … max_frame that holds the page; 0 if none does. A read lock
  // that covers `max_frame`.
  [[nodiscard]] Result<uint32_t> find(PageNo pgno, uint32_t max_frame, uint32_t min_frame = 1);
  // The page that a frame holds. The same lock.
  [[nodiscard]] Result<PageNo> page_of(uint32_t frame);

  // Writes everything anew from the WAL's frames (pages[i] is frame i + 1) but the read marks 1 to
  // 4: for each whose lock can be had exclusively the caller then calls reset_read_mark(). Locks
  // WRITE, CHECKPOINT and RECOVER. pages.size() is header.max_frame.
  [[nodiscard]] Status rebuild(const WalIndexHeader& header, std::span<const PageNo> pages);
  [[nodiscard]] Status reset_read_mark(size_t mark, uint32_t max_frame);

  // Starts the WAL over, when all of it is in the database and nobody reads it: the next frame is
  // frame 1, under new salts. `salt2` is random. Returns the header that it has published.
  // WAL_WRITE_LOCK and all read locks from 1 on, exclusively.
  [[nodiscard]] Result<WalIndexHeader> restart(const WalIndexHeader& header, uint32_t salt2);

  // How far the database holds the WAL's frames, and how far a checkpoint has begun to write them.
  // Setting them: WAL_CKPT_LOCK. 0 if there is no wal-index.
  [[nodiscard]] uint32_t backfilled();
  [[nodiscard]] uint32_t backfill_attempted();
  [[nodiscard]] Status set_backfilled(uint32_t frame);
  [[nodiscard]] Status set_backfill_attempted(uint32_t frame);

  // The frame up to which readers under this mark's lock may read. Setting it: that lock,
  // exclusively. kReadMarkNotUsed if there is no wal-index.
  [[nodiscard]] uint32_t read_mark(size_t mark);
  [[nodiscard]] Status set_read_mark(size_t mark, uint32_t frame);

 private:
  [[nodiscard]] Result<std::byte*> grown_block(size_t index);
  [[nodiscard]] uint32_t load_info(size_t offset, uint32_t absent);
  [[nodiscard]] Status store_info(size_t offset, uint32_t value);

  WalIndexMemory& memory_;
};

}  // namespace skerry::sqlite
