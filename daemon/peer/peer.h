// What this process does as a SQLite peer of the applications on its own mount: it publishes the
// transaction of a writer that died between its commit and the wal-index, tells when a live one has
// done so, and commits changes that no journal covers once SQLite's locks are free.
//
// One thread does all of it. Requests come from any thread and return at once. Started once the
// mount is served; stop() closes every descriptor in the mount, which would keep it busy.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "daemon/fusefs/stored_file.h"
#include "daemon/os/clock.h"
#include "daemon/peer/byte_lock.h"
#include "daemon/peer/shm_mapping.h"

namespace skerry::peer {

// How long a commit that its writer has not published is looked at.
inline constexpr std::chrono::seconds kAppearMax{10};

class Peer {
 public:
  Peer(std::string mount_dir, os::Clock& clock);
  ~Peer();

  void start();
  void stop();

  // A process closes its -shm of the database; see fusefs::Hooks.
  void wal_index_closed(std::shared_ptr<db::Database> database, db::Done done);
  // The database has, or had a moment ago, changes without a journal.
  void unjournaled_changes(std::shared_ptr<db::Database> database);
  // Calls `seen` once, from the peer's thread or before it returns: up to where every process on this
  // machine sees the database, which is at least where it is now. Nothing: a writer keeps its commit
  // to itself for longer than kAppearMax.
  using Seen = std::move_only_function<void(std::optional<Txid>)>;
  void when_visible(std::shared_ptr<db::Database> database, Seen seen);
  // Reads the WAL as it is now through the mount, so that the kernel has its pages whole.
  void warm_wal(std::shared_ptr<db::Database> database);
  // Makes it longer first; reads what was added.
  void extend_wal(std::shared_ptr<db::Database> database, uint64_t at, uint64_t bytes);

 private:
  struct Closed {
    std::shared_ptr<db::Database> database;
    db::Done done;
  };
  struct Look {
    std::shared_ptr<db::Database> database;
    Seen seen;
    os::MonotonicTime until;
  };
  // A commit at the WAL's end that the wal-index does not show.
  struct Unpublished {
    db::WalCommit commit;
    sqlite::WalIndexHeader shown;
  };
  // Changes that wait for the locks.
  struct Watch {
    os::Fd fd;                     // the database file, through the mount
    os::MonotonicTime changed_at;  // last change that was reported
    bool saw_lock = false;         // SQLite is at it, not a copy
  };
  // Of a WAL, what the kernel is to have whole.
  struct Cold {
    uint64_t at = 0;
    uint64_t bytes = 0;
    bool is_new = false;  // not yet part of the file
  };
  // What is kept open of a database in WAL mode.
  struct Shared {
    std::shared_ptr<os::File> file;  // that the mapping is of: gone if the name is another's now
    std::unique_ptr<ShmMapping> shm;
  };

  void run();
  // False: a writer that seems alive holds the lock; look again.
  [[nodiscard]] bool publish_dead_writer(const std::shared_ptr<db::Database>& database);
  [[nodiscard]] static std::optional<Unpublished> unpublished(db::Database& database,
                                                              sqlite::WalIndex& index);
  [[nodiscard]] std::optional<Txid> visible(const std::shared_ptr<db::Database>& database);
  void look_at_appearing();
  [[nodiscard]] static Status publish(db::Database& database, const db::WalCommit& captured,
                                      const sqlite::WalIndexHeader& seen, sqlite::WalIndex& index);
  void look_at_closed();
  [[nodiscard]] Result<ShmMapping*> shared_memory(db::Database& database);
  void look_at_watches();
  void make_cold(std::shared_ptr<db::Database> database, Cold cold);
  void warm(const std::string& name, const Cold& cold) const;
  [[nodiscard]] bool try_commit(const std::shared_ptr<db::Database>& database, Watch& watch);
  [[nodiscard]] bool try_commit_foreign(db::Database& database, const Watch& watch);

  const OwnMount mount_;
  os::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Closed> closed_;                                               // guarded by mutex_
  std::deque<Look> looks_;                                                  // guarded by mutex_
  std::map<std::shared_ptr<db::Database>, os::MonotonicTime> due_;          // guarded by mutex_
  std::map<std::shared_ptr<db::Database>, Cold> cold_;                      // guarded by mutex_
  bool running_ = false;                                                    // guarded by mutex_
  std::map<std::shared_ptr<db::Database>, Watch> watches_;                  // of the thread
  std::map<std::shared_ptr<db::Database>, os::MonotonicTime> unpublished_;  // until; of the thread
  std::vector<Look> appearing_;                                             // of the thread
  std::map<db::Database*, Shared> shared_;                                  // of the thread
  std::thread thread_;
};

}  // namespace skerry::peer
