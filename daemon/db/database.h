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

namespace skerry::db {

// What a database needs of the node; all of it outlives the database.
struct Environment {
  os::FileSystem& fs;
  os::Clock& clock;
  CommitGate& gate;
  CommitListener& listener;
  KernelCache& cache;
  NodeId node;
};

// The last commit in a WAL.
struct WalCommit {
  sqlite::WalHeader header;
  sqlite::WalEnd end;
  uint32_t pages = 0;  // in the database after it
};

using Done = std::move_only_function<void(Status)>;

// What open() found and did, for the log.
struct Recovery {
  bool clean = true;
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

  // It has no files and no history: nothing would be lost with its folder.
  [[nodiscard]] bool is_void() const;

  // --- Transactions without a journal ------------------------------------------------------------

  // The database file has changes that no journal covers. Whoever can see SQLite's locks calls
  // commit_unjournaled() when they are free. A file that is not a whole database stays uncommitted.
  [[nodiscard]] bool has_unjournaled_changes() const;
  // `locks_free` is asked again while no write can come in between.
  void commit_unjournaled(const std::function<bool()>& locks_free, Done done);

  // Saves the table with its mark of an orderly end. Nothing may be called afterwards.
  [[nodiscard]] Status close();

  [[nodiscard]] CommitLog& log() { return history_->log(); }

 private:
  struct Held;
  // Nothing: the gate holds the commit, and its `done` is called later.
  using Outcome = std::optional<Status>;

  Database(const Environment& environment, std::string name, std::string dir);

  [[nodiscard]] std::shared_ptr<os::File>& file(FileKind kind) {
    return files_[static_cast<size_t>(kind)];
  }
  void attach(FileKind kind, std::shared_ptr<os::File> opened);
  void detach(FileKind kind);
  [[nodiscard]] Status check_idle() const;
  [[nodiscard]] Stamp stamp();
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
  [[nodiscard]] Status before_wal_shrinks(uint64_t bytes);
  [[nodiscard]] Status sync_log_if_application_syncs();
  [[nodiscard]] Outcome commit_wal(uint64_t offset, ByteView piece, ByteView rest);
  [[nodiscard]] Status finish_wal_commit(uint64_t offset, ByteView piece);
  [[nodiscard]] Status resum_wal();
  [[nodiscard]] Status rewind_wal(uint64_t offset);
  [[nodiscard]] Status revert_frames(sqlite::WalEnd old_end);
  [[nodiscard]] Result<ChangeSet> reverting_changes(sqlite::WalEnd old_end);
  [[nodiscard]] Result<uint32_t> committed_pages_at(uint32_t frames);

  // The database file and its journal (database_rollback.cc).
  [[nodiscard]] Status write_database(uint64_t offset, ByteView data);
  [[nodiscard]] Status check_checkpoint_write(uint64_t offset, ByteView data);
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

  // Recovery (database_recovery.cc).
  [[nodiscard]] Status recover();
  [[nodiscard]] Status attach_files();
  [[nodiscard]] Status settle_log();
  [[nodiscard]] Status adopt_record(ByteView ltx, uint64_t log_offset);
  [[nodiscard]] Result<bool> is_committed(const ltx::Header& header);
  [[nodiscard]] Status resume_wal();
  [[nodiscard]] Status derive_commits();
  [[nodiscard]] Status notice_file_changes();

  const Environment env_;
  const std::string name_;
  const std::string dir_;
  mutable std::mutex mutex_;
  std::unique_ptr<History> history_;  // guarded by mutex_, as everything below
  std::array<std::shared_ptr<os::File>, kFileKinds.size()> files_;
  std::array<std::atomic<uint64_t>, kFileKinds.size()> file_ids_{};
  WalCapture wal_;
  RollbackCapture rollback_;
  bool journal_active_ = false;  // its header carries the magic
  bool file_synced_ = false;     // the application syncs the database file
  bool wal_synced_ = false;      // … or the WAL, since its last restart
  bool unjournaled_ = false;
  std::optional<Transaction> staged_;
  sqlite::WalEnd adopted_end_;  // recovery: where the record just found committed ends
  std::unique_ptr<Held> held_;
  Bytes scratch_;
  Recovery recovery_;
};

}  // namespace skerry::db
