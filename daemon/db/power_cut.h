// Recovery of a database after the machine, not just the process, ended: of what was not synced,
// any part may be missing, in each file on its own (RECOVERY.md). Nobody has the database open.
//
// What the log holds was committed, so it wins. The database's content is summed up, where possible
// only the pages that can have changed since the last sync, and found again in the history: what is
// behind is brought forward by the log's records; what is ahead of the log becomes its next
// transaction; the page-checksum table is brought up to date or, if it is torn, built anew.
//
// Single-threaded, used by Database::recover() alone.
#pragma once

#include "daemon/db/database_internal.h"
#include "daemon/db/litefs_folder.h"
#include "daemon/db/page_set.h"
#include "daemon/db/wal_frame_map.h"

namespace skerry::db {

class Database::PowerCut {
 public:
  explicit PowerCut(Database& database) : db_(database) {}
  [[nodiscard]] Status recover();
  // The same for a database that stands where LiteFS left it.
  [[nodiscard]] Status adopt(const LitefsState& litefs);

 private:
  // A state that the history knows.
  struct Point {
    Position position;
    uint32_t commit = 0;
    uint32_t page_bytes = 0;  // 0: before the first transaction
    int64_t timestamp_ms = 0;
    Epoch epoch;
    sqlite::WalSalt wal_salt;  // of a WAL transaction: where it stood
    uint64_t wal_end = 0;      // offset
  };
  // What the files hold, as SQLite reads them.
  struct View {
    uint32_t commit = 0;
    uint32_t page_bytes = 0;
    Checksum checksum = kEmptyChecksum;
  };

  [[nodiscard]] Status roll_back_journal();
  [[nodiscard]] Result<bool> super_journal_is_gone();
  [[nodiscard]] Status read_wal();
  [[nodiscard]] Status index_wal();
  [[nodiscard]] Status resume_wal(sqlite::WalEnd end);
  [[nodiscard]] Result<View> find_view();
  [[nodiscard]] Status sync_everything();
  [[nodiscard]] Result<Checksum> sum_page(PageNo pgno);

  [[nodiscard]] Status find_base();
  [[nodiscard]] Status replay_log();
  [[nodiscard]] Result<Point> replay(const StoredLtx& stored);
  [[nodiscard]] bool table_is_proven() const;
  [[nodiscard]] Result<Checksum> sum_touched(const View& view);
  [[nodiscard]] Result<Checksum> scan(const View& view);

  [[nodiscard]] const Point* find_point(const View& view) const;
  [[nodiscard]] bool is_saved(const View& view) const;
  [[nodiscard]] Status decide_known(const Point& found, bool table_is_behind);
  [[nodiscard]] Status decide_proven(const View& view);
  [[nodiscard]] Status decide_scanned(const View& view);
  [[nodiscard]] Status adopt_saved();
  [[nodiscard]] Result<bool> go_back_to_newest(const View& view);
  [[nodiscard]] std::optional<sqlite::WalEnd> end_of_newest();
  [[nodiscard]] Status fold_ahead(const View& view);
  [[nodiscard]] Status bring_forward(Txid from, bool table_is_behind);
  [[nodiscard]] Status settle_wal_into_file();
  [[nodiscard]] Status write_pages(const StoredLtx& stored);
  [[nodiscard]] Status drop_files();
  [[nodiscard]] Status begin_anew(const View& view);
  [[nodiscard]] Status save(const Point& point);

  [[nodiscard]] const Point& newest() const { return points_.back(); }
  [[nodiscard]] Txid newest_txid() const {
    return points_.empty() ? Txid(0) : newest().position.txid;
  }
  [[nodiscard]] uint32_t newest_page_bytes() const {
    return points_.empty() ? 0 : newest().page_bytes;
  }
  [[nodiscard]] Point saved_point() const;
  [[nodiscard]] PageChecksums& table() { return db_.history_->table(); }
  [[nodiscard]] const PageChecksums& table() const { return db_.history_->table(); }
  [[nodiscard]] CommitLog& log() { return db_.history_->log(); }

  Database& db_;
  TableState saved_;    // as the table had it, which proves nothing
  Txid replayed_from_;  // the table on disk is right up to here, or wrong altogether
  std::vector<Point>
      points_;  // oldest first; empty if the base is not known and there is no record
  std::vector<sqlite::WalEnd> wal_ends_;      // of the WAL's commits
  PageSize page_size_ = *PageSize::of(4096);  // of what the files hold
  PageSet touched_;                           // pages that may differ from what was synced
  WalFrameMap frames_;
};

}  // namespace skerry::db
