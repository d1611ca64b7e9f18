// One database: its files on disk, what is captured from the writes to them, and its history.
//
// The FUSE layer (or a test's VFS) tells it of every operation that changes a file, before it
// happens; it performs the operation, finds the transactions in it, asks the gate, records them.
// Reading needs no help: the files' content is what SQLite wrote.
//
// Threads: every method may be called from any thread. Operations that may be held by the gate
// take `done`, which is called exactly once: before they return, or later from the gate's thread.
// No lock is held while it runs. Operations block as the disk does, within an os::BlockingScope
// where that can be long.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "daemon/db/commit_gate.h"
#include "daemon/db/file_kind.h"
#include "daemon/db/history.h"
#include "daemon/db/kernel_cache.h"
#include "daemon/db/rollback_capture.h"
#include "daemon/db/wal_capture.h"
#include "daemon/os/clock.h"
#include "daemon/os/file_system.h"
#include "ltx/ltx_reader.h"

namespace skerry::db {

// What a database needs of the node; all of it outlives the database.
struct Environment {
  os::FileSystem& fs;
  os::Clock& clock;
  CommitGate& gate;
  CommitListener& listener;
  KernelCache& cache;
  NodeId node;
  // Tells a start after a power cut from one after the process's end alone.
  BootId boot_id = current_boot_id();
};

// The last commit in a WAL.
struct WalCommit {
  sqlite::WalHeader header;
  sqlite::WalEnd end;
  uint32_t pages = 0;  // in the database after it
};

using Done = std::move_only_function<void(Status)>;

// What transactions leave free on the disk, besides room for their record in the log: rollbacks,
// small transactions in a WAL that has room, and retention go on when others find the disk full.
inline constexpr uint64_t kDiskReserveBytes = 1024 * 1024;
inline constexpr uint64_t kSpaceCheckedEach = 256 * 1024;

// Room for a page, the same for all databases that a thread works on: there are many databases, and
// one at a time has a thread.
struct PageScratch {
  operator ByteSpan() const {  // NOLINT(google-explicit-constructor)
    static thread_local Bytes page(kPageBytesMax);
    return page;
  }
};

// What open() found and did, for the log.
struct Recovery {
  bool clean = true;
  bool power_cut = false;  // the machine ended, not just the process
  bool rebuilt_table = false;
  uint32_t dropped_records = 0;    // staged, but never committed
  uint32_t adopted_records = 0;    // committed, but not yet in the table
  uint32_t derived_commits = 0;    // committed in the WAL, not in the log
  uint32_t reapplied_records = 0;  // in the log, lost from the database files by a power cut
  std::vector<std::string> notes;
};

class Database : public std::enable_shared_from_this<Database> {
 public:
  // Opens dbs/<name>/ at `dir`, which exists, and recovers it (RECOVERY.md).
  [[nodiscard]] static Result<std::shared_ptr<Database>> open(const Environment& environment,
                                                              std::string name, std::string dir);

  ~Database();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& dir() const { return dir_; }
  [[nodiscard]] const Recovery& recovery() const { return recovery_; }

  struct Info {
    Position position;
    Epoch epoch;
    int64_t timestamp_ms = 0;
    uint32_t commit = 0;
    uint32_t page_bytes = 0;
    uint32_t wal_frames = 0;
  };
  [[nodiscard]] Info info() const;

  // Since this process opened it.
  struct Counters {
    std::array<std::atomic<uint64_t>, kFileKinds.size()> writes{};  // by FileKind
    std::atomic<uint64_t> commits{0};
    std::atomic<uint64_t> log_files_removed{0};
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  void count_removed_log_files(uint64_t files) {
    counters_.log_files_removed.fetch_add(files, std::memory_order_relaxed);
  }

  [[nodiscard]] std::string path(FileKind kind) const;

  // --- Files -------------------------------------------------------------------------------------

  // The file's current incarnation; kNotFound if there is none.
  [[nodiscard]] Result<std::shared_ptr<os::File>> open_file(FileKind kind);
  // Creates it if it does not exist. Refused where the gate refuses a writer.
  [[nodiscard]] Result<std::shared_ptr<os::File>> create_file(FileKind kind);

  // `target` is what open_file() or create_file() returned. If it is no longer the database's file
  // (it was removed meanwhile), the operation is done to it and means nothing.
  using Target = const std::shared_ptr<os::File>&;
  void write(FileKind kind, Target target, uint64_t offset, ByteView data, Done done);
  void truncate(FileKind kind, Target target, uint64_t bytes, Done done);
  [[nodiscard]] Status allocate(FileKind kind, Target target, uint64_t offset, uint64_t bytes);
  void sync(FileKind kind, Target target, Done done);
  // Detaches the file from the database and then calls `unlink` to remove its name. What has it
  // open goes on with a file that is nobody's.
  void remove(FileKind kind, std::move_only_function<Status()> unlink, Done done);

  // The inode number of the file; 0 if there is none. May be called with the mutex held (by cache
  // and listener calls) and from any thread.
  [[nodiscard]] uint64_t file_id(FileKind kind) const {
    return file_ids_[static_cast<size_t>(kind)].load(std::memory_order_acquire);
  }
  // Nothing without a WAL.
  [[nodiscard]] std::optional<WalCommit> wal_commit() const;
  // The pages that committed frames hold.
  [[nodiscard]] Result<std::vector<PageNo>> wal_pages(uint32_t first_frame, uint32_t last_frame);

  // Recovery wrote the database file behind whatever the kernel has of it.
  [[nodiscard]] bool was_redone() const { return recovery_.reapplied_records != 0; }
  // Recovery left transactions of the log that are to be applied through the mount (Replica); until
  // then it cannot be written.
  [[nodiscard]] bool must_redo() const;

  // It has no files and no history: nothing would be lost with its folder.
  [[nodiscard]] bool is_void() const;

  // --- Transactions without a journal ------------------------------------------------------------

  // The database file has changes that no journal covers. Whoever can see SQLite's locks calls
  // commit_unjournaled() when they are free (commit_foreign(), if it has those). A file that is not
  // a whole database stays uncommitted.
  [[nodiscard]] bool has_unjournaled_changes() const;
  // `locks_free` is asked again while no write can come in between.
  void commit_unjournaled(const std::function<bool()>& locks_free, Done done);

  // Beside a WAL with frames the database file was changed by something else than a checkpoint, as
  // a copy over a database in use does. SQLite's locks say nothing of it: whoever is told calls
  // commit_foreign() once the file was left alone for a while.
  [[nodiscard]] bool has_foreign_changes() const;
  void commit_foreign(Done done);

  // Brings files, log and table to disk while writers go on, so that a power cut costs nothing of
  // what was committed before, and returns up to where that is: recovery needs what follows in the
  // history.
  [[nodiscard]] Result<Txid> sync_state();
  // … and up to where it was when that last succeeded.
  [[nodiscard]] Txid synced_txid() const;
  // The next transaction begins a new segment of the log, which is there at once, so that all
  // others may be removed.
  [[nodiscard]] Status begin_log_segment();
  // Removes a journal that is in force no more, as TRUNCATE and PERSIST leave it. SQLite finds a
  // database read-only if it cannot create its journal, not if it cannot write the one that is
  // there. False if there was none.
  [[nodiscard]] Result<bool> remove_ended_journal();

  // Saves the table with its mark of an orderly end. Nothing may be called afterwards.
  [[nodiscard]] Status close();

  [[nodiscard]] CommitLog& log() { return history_->log(); }

 private:
  friend class ImageReader;
  friend class Replica;
  friend std::vector<Checksum> committed_checksums(Database& database, PageNo first,
                                                   uint32_t count);
  struct Held;
  class PowerCut;
  // Nothing: the gate holds the commit, and its `done` is called later.
  using Outcome = std::optional<Status>;

  Database(const Environment& environment, std::string name, std::string dir);

  [[nodiscard]] std::shared_ptr<os::File>& file(FileKind kind) {
    return files_[static_cast<size_t>(kind)];
  }
  void attach(FileKind kind, std::shared_ptr<os::File> opened);
  void detach(FileKind kind);
  [[nodiscard]] Status check_idle(FileKind kind) const;
  [[nodiscard]] Status check_may_apply() const;
  // By a transaction of another node.
  [[nodiscard]] bool is_being_dropped() const {
    return applying_ != Applying::kNo && staged_->header.commit == 0;
  }
  // Frames that this process writes itself may be visible before they are counted.
  [[nodiscard]] bool has_wal_frames() const {
    return wal_.has_frames() || applying_ == Applying::kWal;
  }
  [[nodiscard]] Stamp stamp();
  using Before = std::function<ByteView(PageNo)>;  // empty: not known; valid until the next call
  [[nodiscard]] std::shared_ptr<const CommitImages> images(const ChangeSet& set, PageReader& pages,
                                                           const Before& before);
  [[nodiscard]] Result<std::optional<sqlite::DbHeader>> read_header();
  void deliver(Outcome outcome, Done done);
  void publish();

  [[nodiscard]] Outcome write_locked(FileKind kind, uint64_t offset, ByteView data);
  [[nodiscard]] Outcome truncate_locked(FileKind kind, uint64_t bytes);
  [[nodiscard]] Outcome synced_locked(FileKind kind);
  [[nodiscard]] Outcome remove_locked(FileKind kind, std::move_only_function<Status()> unlink);

  [[nodiscard]] Outcome hold(Held held);
  void resume_held(Status verdict);
  [[nodiscard]] Outcome finish_held(Held& held, Status verdict);

  // The WAL (database_wal.cc).
  [[nodiscard]] Outcome write_wal(uint64_t offset, ByteView data);
  [[nodiscard]] Outcome write_wal_piece(WalCapture::Effect effect, uint64_t offset, ByteView piece,
                                        ByteView rest);
  [[nodiscard]] Status restart_wal(ByteView data);
  void notice_wal_growth(uint64_t write_end);
  [[nodiscard]] Status before_wal_shrinks(uint64_t bytes);
  [[nodiscard]] Status sync_log_if_application_syncs();
  [[nodiscard]] Outcome commit_wal(uint64_t offset, ByteView piece, ByteView rest);
  [[nodiscard]] std::shared_ptr<const CommitImages> wal_images(const ChangeSet& set,
                                                               PageReader& pages);
  [[nodiscard]] Status finish_wal_commit(uint64_t offset, ByteView piece);
  void blank_commit(uint64_t offset, size_t bytes);
  [[nodiscard]] Status resum_wal();
  [[nodiscard]] Status rewind_wal(uint64_t offset);
  [[nodiscard]] Status revert_frames(sqlite::WalEnd old_end);
  [[nodiscard]] Result<ChangeSet> reverting_changes(sqlite::WalEnd old_end);
  [[nodiscard]] Result<uint32_t> committed_pages_at(uint32_t frames);

  // The database file and its journal (database_rollback.cc).
  [[nodiscard]] Status write_database(uint64_t offset, ByteView data);
  [[nodiscard]] bool is_rolled_back_by(uint64_t offset, ByteView data);
  [[nodiscard]] Status check_space_for_write(uint64_t offset, uint64_t bytes);
  [[nodiscard]] Status check_space(uint64_t growth, uint64_t record);
  [[nodiscard]] Status truncate_database(uint64_t bytes);
  [[nodiscard]] Outcome write_journal(uint64_t offset, ByteView data);
  [[nodiscard]] Outcome end_journal(std::move_only_function<Status()> end);
  [[nodiscard]] Result<std::optional<ChangeSet>> file_changes();
  [[nodiscard]] Outcome commit_file_changes(std::move_only_function<Status()> make_visible);
  [[nodiscard]] Result<std::optional<Transaction>> stage_file_changes();
  [[nodiscard]] Result<CommitGate::Decision> confirm_file_changes();
  [[nodiscard]] Status finish_file_commit(std::move_only_function<Status()>& make_visible);
  [[nodiscard]] Outcome drop(std::move_only_function<Status()> unlink);
  [[nodiscard]] Status load_journal();

  // What is not SQLite's (database_foreign.cc).
  [[nodiscard]] Status check_checkpoint_write(uint64_t offset, ByteView data);
  [[nodiscard]] Status check_beside_frames(uint64_t offset, uint64_t bytes);
  [[nodiscard]] Status check_before_frames_go();
  [[nodiscard]] Status commit_everything();
  [[nodiscard]] Status settle_file_changes();
  [[nodiscard]] Result<bool> may_follow_wal(const sqlite::WalHeader& header);
  [[nodiscard]] Status follow_waiting_wal();
  [[nodiscard]] Status take_commits_of_wal();

  // Recovery (database_recovery.cc).
  [[nodiscard]] Status recover();
  [[nodiscard]] Status sync_files();
  [[nodiscard]] bool ended_by_power_cut() const;
  [[nodiscard]] Status adopt_litefs_folder();
  [[nodiscard]] Status attach_files();
  [[nodiscard]] Status settle_log();
  enum class Settled { kDone, kRedone, kDropped, kLeft };
  [[nodiscard]] Result<Settled> settle_record(const ltx::Verified& verified,
                                              const CommitLog::Found& record);
  [[nodiscard]] Status adopt_record(const CommitLog::Found& record);
  [[nodiscard]] Status redo_in_place(const CommitLog::Found& record);
  [[nodiscard]] Result<bool> is_committed(const ltx::Header& header);
  [[nodiscard]] Result<bool> shows_brought(const ltx::Verified& verified);
  [[nodiscard]] Result<std::optional<sqlite::WalHeader>> read_wal_header();
  [[nodiscard]] sqlite::WalEnd covered_wal_end(const sqlite::WalHeader& header) const;
  [[nodiscard]] Status finish_image();
  [[nodiscard]] Status resume_wal();
  [[nodiscard]] Status derive_commits();
  [[nodiscard]] Status notice_file_changes();
  [[nodiscard]] Result<bool> differs_from_table(PageNo pgno);

  const Environment env_;
  const std::string name_;
  const std::string dir_;
  Counters counters_;
  mutable std::mutex mutex_;
  std::unique_ptr<History> history_;  // guarded by mutex_, as everything below
  std::array<std::shared_ptr<os::File>, kFileKinds.size()> files_;
  std::array<std::atomic<uint64_t>, kFileKinds.size()> file_ids_{};
  WalCapture wal_;
  RollbackCapture rollback_;
  BeforeImages before_images_;
  bool journal_active_ = false;  // its header carries the magic
  bool file_synced_ = false;     // the application syncs the database file
  bool wal_synced_ = false;      // … or the WAL, since its last restart
  bool unjournaled_ = false;
  uint64_t unchecked_growth_ = kSpaceCheckedEach;  // of files, since the disk was looked at
  bool foreign_ = false;                           // the file was changed beside frames
  bool file_is_whole_ = false;                     // when its changes were looked at last
  uint64_t wal_bytes_ = 0;                         // where the WAL's file ends, as far as was seen
  uint64_t wal_extended_to_ = 0;  // … and where it will, for the transaction that is growing it
  std::optional<Transaction> staged_;
  enum class Applying { kNo, kWal, kFile };
  Applying applying_ = Applying::kNo;  // a transaction from elsewhere is staged
  bool must_redo_ = false;             // recovery left transactions of the log to be done
  struct WalPlace {
    sqlite::WalSalt salt;
    sqlite::WalEnd end;
  };
  std::optional<WalPlace> adopted_wal_;  // recovery: where the record found committed ends
  std::unique_ptr<Held> held_;
  PageScratch scratch_;
  Recovery recovery_;
};

}  // namespace skerry::db
