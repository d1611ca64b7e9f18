// Reads one committed state of a whole database while writers go on: for snapshots, for differences
// to what a peer has, for exports. It takes no SQLite lock and pins no WAL; nobody waits for it
// longer than it takes to read kFinalBytesMax from the page cache.
//
//   TRY_ASSIGN(auto reader, ImageReader::open(database, ImageReader::Of::kEverything));
//   ImageReader::Batch batch;
//   do {
//     TRY(reader->next(batch));
//     if (batch.restart) forget every page;
//     for (i …) put(batch.pages[i], batch.page(i));
//   } while (!batch.end);
//   // what is there now, cut to batch.end->commit pages, is the database at batch.end->position
//
// How: pages are read in order, some at a time. One that is committed after it was read comes
// again, until so few are left that they are read together with the position while the database's
// mutex is held. The page-checksum table tells which content is the committed one, wherever it was
// read: what does not sum up to its entry is either another transaction's unfinished work (in
// rollback mode the file holds it; the page comes later, the end waits for the transaction's) or
// damage, which is kCorrupt.
//
// Of::kDifferences leaves out pages whose checksum a peer has already; see `needs_checksums`.
//
// Threads: one at a time. next() blocks as the disk does, and at the end for `uncommitted_wait` at
// most. Memory: a batch, a bit per page, and 4 bytes per page while the WAL is very large.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>

#include "daemon/db/database.h"
#include "daemon/db/page_set.h"
#include "daemon/db/wal_frame_map.h"

namespace skerry::db {

inline constexpr size_t kImageReadersMax = 64;  // of one database

class ImageReader final : private HistoryWatch {
 public:
  enum class Of { kEverything, kDifferences };
  static constexpr size_t kBatchBytes = 256 * 1024;
  // How much is read at the end with the mutex held: at first, and if writers keep changing more.
  static constexpr size_t kFinalBytes = 1024 * 1024;
  static constexpr size_t kFinalBytesMax = 16 * 1024 * 1024;

  // The state that the image is of.
  struct End {
    Position position;
    Epoch epoch;
    int64_t timestamp_ms = 0;
    uint32_t commit = 0;  // pages; 0: there is no database (any more)
    PageSize page_size = *PageSize::of(4096);
  };

  // May be empty. Reuse one object: it keeps its memory.
  struct Batch {
    // What came before does not count: the page size changed, or the database was dropped. From
    // here on every page comes.
    bool restart = false;
    PageSize page_size = *PageSize::of(4096);
    std::vector<PageNo> pages;
    Bytes content;
    // kDifferences: nothing more can be said before peer_checksums() got the checksums from
    // checksums_due() on.
    bool needs_checksums = false;
    std::optional<End> end;  // this is the last batch

    [[nodiscard]] ByteView page(size_t i) const {
      return ByteView(content).subspan(i * page_size.bytes(), page_size.bytes());
    }
  };

  [[nodiscard]] static Result<std::unique_ptr<ImageReader>> open(
      std::shared_ptr<Database> database, Of of,
      std::chrono::milliseconds uncommitted_wait = std::chrono::seconds(30));
  ~ImageReader() override;
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;

  // Errors: kBusy if a transaction keeps pages of the database file from being read (calling again
  // waits again); kCorrupt if a page is not what was committed.
  [[nodiscard]] Status next(Batch& batch);

  [[nodiscard]] PageNo checksums_due() const { return peer_first_; }
  // The peer's next checksums, from page checksums_due() on; none: it has no further page.
  void peer_checksums(std::vector<Checksum> checksums);

  // Pages of the first pass through the database so far, and as many as it has, for a progress bar.
  struct Progress {
    uint32_t done = 0;
    uint32_t pages = 0;
  };
  [[nodiscard]] Progress progress() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  ImageReader(std::shared_ptr<Database> database, Of of, std::chrono::milliseconds wait)
      : database_(std::move(database)), uncommitted_wait_(wait), of_(of) {}

  void published(const TableState& before, const TableState& after,
                 std::span<const PageSum> pages) override;
  void settled() override { changed_.notify_all(); }

  [[nodiscard]] const TableState& state() const { return database_->history_->state(); }
  [[nodiscard]] PageChecksums& table() const { return database_->history_->table(); }
  void restart(Batch& batch);
  [[nodiscard]] Result<bool> index_wal();
  [[nodiscard]] bool first_pass_done() const { return cursor_.value() > state().commit; }
  [[nodiscard]] size_t pages_of(size_t bytes) const;
  void choose_first_pass(Batch& batch);
  void choose_again(Batch& batch);
  [[nodiscard]] bool wanted(PageNo pgno);
  [[nodiscard]] Status read_chosen(os::File* file, Batch& batch, std::vector<Checksum>& sums) const;
  [[nodiscard]] Result<uint32_t> keep_committed(Batch& batch, const std::vector<Checksum>& sums);
  [[nodiscard]] Result<bool> read_committed(PageNo pgno, ByteSpan into);
  [[nodiscard]] Result<bool> read_version(PageNo pgno, uint32_t frame, ByteSpan into);
  [[nodiscard]] bool has_uncommitted() const;
  [[nodiscard]] Status corrupt(PageNo pgno, bool in_wal) const;
  [[nodiscard]] Status finish(Lock& lock, Batch& batch);
  [[nodiscard]] Status wait_for_transaction(Lock& lock);

  const std::shared_ptr<Database> database_;
  const std::chrono::milliseconds uncommitted_wait_;
  // What follows: guarded by the database's mutex.
  std::condition_variable changed_;
  Of of_;
  uint32_t page_bytes_ = 0;
  bool restart_ = false;
  PageNo cursor_{1};  // next page of the first pass
  PageSet again_;     // to be read again: committed, or not yet committed, when they were due
  PageNo lap_{1};     // next page of the pass over again_
  size_t final_bytes_ = kFinalBytes;
  WalFrameMap frames_;
  // kDifferences: the peer's checksums of pages peer_first_ − peer_sums_.size() and on.
  PageNo peer_first_{1};
  std::vector<Checksum> peer_sums_;
  bool peer_complete_ = false;
};

// The checksums of committed pages from `first` on, at most `count`; none past the last page. The
// lock page's is 0. What a peer needs for Of::kDifferences.
[[nodiscard]] std::vector<Checksum> committed_checksums(Database& database, PageNo first,
                                                        uint32_t count);

// Reads everything into a file, which becomes the database as it stood at the returned state.
[[nodiscard]] Result<ImageReader::End> write_image(ImageReader& reader, os::File& file);

}  // namespace skerry::db
