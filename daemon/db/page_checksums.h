// The page-checksum table of one database: a file, mapped, with the checksum of every committed
// page and the state that it stands for. It makes a commit O(pages changed) and a restart O(1).
//
// The file survives the process (it is shared memory backed by the page cache), so after a worker's
// death the table is exact up to the last saved state. After a power cut it may be torn; recovery
// then replays the commit log from `synced_txid` over it (RECOVERY.md).
//
// A page that a rollback-mode transaction has written but not committed is marked dirty: its entry
// keeps the checksum's low 63 bits and loses the flag, so a successor finds what is open.
//
// Not thread-safe: the database's mutex guards it.
#pragma once

#include <array>
#include <memory>

#include "daemon/os/file_system.h"
#include "ltx/base/types.h"
#include "ltx/sqlite/wal_chain.h"

namespace skerry::db {

using BootId = std::array<std::byte, 16>;

// What a database stands at. Saved as a whole or not at all.
struct TableState {
  Position position;
  Epoch epoch;
  int64_t timestamp_ms = 0;  // of the last transaction
  uint32_t commit = 0;       // pages
  uint32_t page_bytes = 0;   // 0: no transaction yet
  sqlite::WalSalt wal_salt;  // of the WAL generation that wal_end counts in
  sqlite::WalEnd wal_end;    // frames of it that the position covers
  uint64_t log_offset = 0;   // of the position's record in its segment of the commit log
  Txid synced_txid;          // the table on disk is right if the log is replayed from here
  BootId boot_id{};          // of the machine when this was saved
  bool clean = false;        // closed in order: nothing to recover
  // The table came with a database file that may still have its other name (kImagePagesName).
  bool image_pending = false;
  friend bool operator==(const TableState&, const TableState&) = default;
};

// An image of the whole database on its way in: its pages, and its table.
inline constexpr std::string_view kImagePagesName = "image";
inline constexpr std::string_view kImageSumsName = "image-checksums";

class PageChecksums {
 public:
  // Opens or creates the table; a damaged one is kCorrupt (rebuild it with create()).
  [[nodiscard]] static Result<std::unique_ptr<PageChecksums>> open(os::FileSystem& fs,
                                                                   const std::string& path);
  [[nodiscard]] static Result<std::unique_ptr<PageChecksums>> create(os::FileSystem& fs,
                                                                     const std::string& path);

  [[nodiscard]] const TableState& state() const { return state_; }
  void save(const TableState& state);

  // Makes room for pages up to `pages`; entries of new pages are 0.
  [[nodiscard]] Status reserve(uint32_t pages);

  // 0 for a page beyond the table. A dirty page's checksum is the committed one.
  [[nodiscard]] Checksum get(PageNo pgno) const;
  [[nodiscard]] bool dirty(PageNo pgno) const;
  void set(PageNo pgno, Checksum checksum);  // also clears the dirty mark; pgno must be reserved
  void mark_dirty(PageNo pgno);
  // Forgets every page past `pages` and returns the XOR of what they contributed.
  uint64_t truncate(uint32_t pages, uint32_t old_pages);

  [[nodiscard]] std::vector<PageNo> dirty_pages(uint32_t pages) const;
  // The XOR of all entries up to `pages`, with the flag: what the position's checksum must be.
  [[nodiscard]] Checksum total(uint32_t pages) const;

  [[nodiscard]] Status sync() { return sync(*map_); }
  // For a sync beside changes: `mapping` is what mapping() returned before.
  [[nodiscard]] std::shared_ptr<os::Mapping> mapping() const { return map_; }
  [[nodiscard]] static Status sync(os::Mapping& mapping);

 private:
  explicit PageChecksums(std::unique_ptr<os::File> file) : file_(std::move(file)) {}
  [[nodiscard]] Status map(uint64_t file_bytes);
  [[nodiscard]] Status load();
  [[nodiscard]] std::byte* slot(size_t i) { return map_->bytes().data() + i * kSlotBytes; }
  [[nodiscard]] uint64_t* entries() const;

  static constexpr size_t kSlotBytes = 512;
  std::unique_ptr<os::File> file_;
  std::shared_ptr<os::Mapping> map_;
  uint32_t capacity_ = 0;  // entries
  TableState state_;
  uint64_t sequence_ = 0;
};

// This machine's boot, from the kernel: tells a crashed process from a crashed machine.
[[nodiscard]] BootId current_boot_id();

}  // namespace skerry::db
