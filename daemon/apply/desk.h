// One database as it is applied to: its seat on the mount, and the ways in which a transaction
// becomes visible (APPLY.md).
//
// Threads: apply(), redo() and drop by who has the turn; checkpoint() by the checkpointer's thread,
// beside them. Never with the database's mutex held.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "daemon/apply/checkpoint.h"
#include "daemon/apply/file_writer.h"
#include "daemon/apply/obstacles.h"
#include "daemon/apply/wal_writer.h"

namespace skerry::apply {

// What the desks of a node have in common; all of it outlives them.
struct Surroundings {
  os::FileSystem& fs;
  os::Clock& clock;
  const peer::OwnMount& mount;
  db::KernelCache& cache;
  Obstacles& obstacles;
  std::function<void(const std::string& database)> wants_checkpoint;
  std::atomic<bool> stopping{false};
};

// A transaction that is complete and waits to be made visible.
struct Work {
  PageRun& pages;
  const db::Received& received;
  bool own = false;  // of this node: the gate is asked
  // Writes the record, or says that it is there.
  std::function<Status(db::Replica::Way, uint32_t flags)> stage;
  std::function<Status()> sync;
  std::function<Status()> mark_in_place;
  bool over_uncommitted = false;  // it holds every page that the file does not have as committed
};

class Desk {
 public:
  static constexpr uint32_t kCheckpointFrames = 1000;

  Desk(Surroundings& around, std::shared_ptr<db::Database> database);

  [[nodiscard]] db::Replica& replica() { return replica_; }
  [[nodiscard]] StagingBuffers& buffers() { return buffers_; }
  [[nodiscard]] const std::shared_ptr<db::Database>& database() const { return database_; }
  [[nodiscard]] std::string staging_path() const { return database_->dir() + "/incoming.ltx"; }

  // Waits until nobody else has it. False: this process ends.
  [[nodiscard]] bool take_turn();
  void end_turn();

  [[nodiscard]] Status apply(const Work& work);
  // The image in the database's folder becomes the database, which has no content.
  [[nodiscard]] Status become(const ltx::Header& header, Checksum post_apply,
                              std::unique_ptr<db::PageChecksums> sums);
  // Does what recovery left in the log.
  [[nodiscard]] Status redo();
  [[nodiscard]] Status checkpoint();
  // Lets go of the mount if nothing came for a while, or in any case.
  void leave_if_idle(os::MonotonicTime idle_since);
  void leave();

 private:
  using Attempt = std::function<Result<bool>()>;
  [[nodiscard]] Status wait_for(const Attempt& attempt, const char* what);
  [[nodiscard]] Status check_usable() const;
  [[nodiscard]] Status apply_wal(const Work& work);
  [[nodiscard]] Status show_in_wal(const Work& work);
  [[nodiscard]] Result<bool> lock_wal(std::optional<peer::ByteLock>& lock);
  void after_wal(uint32_t frames);
  [[nodiscard]] Status apply_file(const Work& work, bool has_wal);
  [[nodiscard]] Status record_for_file(const Work& work, bool has_wal);
  [[nodiscard]] Status insist(const char* key, const std::function<Status()>& work);
  [[nodiscard]] Result<bool> keep_writers_out(bool has_wal);
  [[nodiscard]] Result<bool> keep_all_out();
  [[nodiscard]] Status clear_the_file(const Work& work);
  [[nodiscard]] Status drop(const Work& work);
  [[nodiscard]] Status create_file();
  void forget_names();
  void leave_the_mount();
  [[nodiscard]] std::string file_name(db::FileKind kind) const;

  Surroundings& around_;
  const std::shared_ptr<db::Database> database_;
  db::Replica replica_;
  StagingBuffers buffers_;
  Seat seat_;
  WalWriter wal_writer_;
  FileWriter file_writer_;
  bool half_written_ = false;  // the database file; locked until the process ends
  uint32_t checkpoint_due_at_ = kCheckpointFrames;

  std::mutex turn_mutex_;
  std::condition_variable turn_changed_;
  bool taken_ = false;            // guarded by turn_mutex_
  os::MonotonicTime taken_last_;  // guarded by turn_mutex_

  std::mutex checkpoint_mutex_;
  db::Replica checkpoint_replica_;  // guarded by checkpoint_mutex_
  Seat checkpoint_seat_;            // guarded by checkpoint_mutex_
};

}  // namespace skerry::apply
