// Keeps the writers of all databases waiting, for a planned change of the primary: takes SQLite's
// write lock of each, as a writer would that does nothing. Transactions under way finish; whoever
// begins one finds the lock taken, and waits as long as its busy_timeout says. Readers go on.
//
// Threads: one at a time, and never a FUSE request thread: it opens files in its own mount. No
// mutex of a database is held meanwhile. Must have ended before the mount is let go of.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "daemon/apply/wal_writer.h"
#include "daemon/os/clock.h"
#include "daemon/store/store.h"

namespace skerry::apply {

class WriterHold {
 public:
  // A transaction may span several databases, and wait for one that is held already while this
  // waits for another of its: after so long all are let go of, for a moment.
  static constexpr std::chrono::milliseconds kSlice{250};

  // All of it outlives the hold.
  WriterHold(store::Store& store, const peer::OwnMount& mount, db::KernelCache& cache,
             os::Clock& clock)
      : store_(store), mount_(mount), cache_(cache), clock_(clock) {}
  ~WriterHold() { release(); }

  // Holds the writers of every database there is, or nobody's. kBusy: a transaction did not end in
  // time; the message names its database and its process. kCancelled: `cancelled` became true.
  [[nodiscard]] Status take(std::chrono::milliseconds at_most, const std::atomic<bool>& cancelled);
  void release();
  [[nodiscard]] size_t databases() const { return held_.size(); }

 private:
  struct Held {
    Held(std::shared_ptr<db::Database> held, const peer::OwnMount& mount, db::KernelCache& cache)
        : database(std::move(held)),
          replica(database),
          seat(database, mount),
          wal_index(seat, replica, cache) {}
    const std::shared_ptr<db::Database> database;
    db::Replica replica;
    Seat seat;
    WalWriter wal_index;  // readers cannot mend it while the lock is held
    std::optional<peer::ByteLock> lock;  // goes before the seat's descriptors
    bool done = false;                   // locked, or without a file that could be written
    bool wal = false;
    std::optional<pid_t> in_the_way;  // seen at the last attempt; −1: unknown
  };

  void look_for_databases();
  // Those that were removed count as held.
  [[nodiscard]] Result<bool> hold_all();
  [[nodiscard]] Result<bool> hold(Held& held);
  [[nodiscard]] Result<bool> lock(Held& held);
  [[nodiscard]] std::string blocker() const;
  [[nodiscard]] static std::optional<pid_t> holder(const Held& held);

  store::Store& store_;
  const peer::OwnMount& mount_;
  db::KernelCache& cache_;
  os::Clock& clock_;
  std::map<std::string, std::unique_ptr<Held>> held_;  // by name
};

}  // namespace skerry::apply
