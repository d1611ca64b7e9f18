// One connection of this process to a database on its own mount, as SQLite's other processes see
// it: descriptors, shared memory, byte locks.
//
// One thread at a time, and never with the database's mutex held: opening files sends requests to
// this process. `false` from a call that takes a lock says that somebody else has it: try again.
#pragma once

#include <memory>
#include <optional>

#include "daemon/db/replica.h"
#include "daemon/peer/byte_lock.h"
#include "daemon/peer/shm_mapping.h"

namespace skerry::apply {

// As every connection of SQLite decides it: a WAL beside the file counts, whatever the file says.
[[nodiscard]] Result<bool> uses_wal(const db::Replica& replica, const db::Replica::View& view);
[[nodiscard]] inline Result<bool> uses_wal(const db::Replica& replica) {
  return uses_wal(replica, replica.view());
}

class Seat {
 public:
  Seat(std::shared_ptr<db::Database> database, const peer::OwnMount& mount)
      : database_(std::move(database)), mount_(mount) {}

  // Takes SHARED, which a WAL connection keeps while it is open: the WAL stays then. kNotFound if
  // there is no database file.
  [[nodiscard]] Result<bool> connect();
  // Maps the wal-index, making -wal and -shm if they are not there. Connected.
  [[nodiscard]] Result<bool> open_wal();
  // Sets the size of a file that is written behind the mount, by way of the mount: what the kernel
  // learns of a size by asking, it may act on too late, when the file has grown on, and then wipes
  // its cache of what came meanwhile. So its size must never be news to it.
  [[nodiscard]] Status resize(db::FileKind kind, uint64_t bytes) const;
  // Gives SHARED back, and with it EXCLUSIVE.
  void disconnect() { shared_.reset(); }
  // As if the process had closed the database.
  void leave();
  [[nodiscard]] bool connected() const { return shared_.has_value(); }
  [[nodiscard]] bool has_wal() const { return shm_ != nullptr; }

  // Of the wal-index.
  [[nodiscard]] sqlite::WalIndex& index() { return *index_; }
  [[nodiscard]] sqlite::WalIndexMemory& index_memory() { return *shm_; }
  using Lock = Result<std::optional<peer::ByteLock>>;
  [[nodiscard]] Lock lock_write();
  [[nodiscard]] Lock lock_wal(uint64_t first, int locks = 1,
                              peer::LockKind kind = peer::LockKind::kExclusive);
  [[nodiscard]] std::optional<pid_t> wal_holder(uint64_t lock) const;

  // Of the database file in rollback mode. Connected. RESERVED: nobody else writes.
  [[nodiscard]] Lock lock_reserved();
  // No new reader begins.
  [[nodiscard]] Lock lock_pending();
  // Turns SHARED into EXCLUSIVE.
  [[nodiscard]] Result<bool> exclude_readers();
  [[nodiscard]] std::optional<pid_t> reserved_holder() const;
  [[nodiscard]] std::optional<pid_t> reader() const;

 private:
  // Opened in the mount; nothing if the name stands for another file by now.
  [[nodiscard]] Result<os::Fd> open(db::FileKind kind, bool create) const;
  [[nodiscard]] bool is_current(int fd, db::FileKind kind) const;

  const std::shared_ptr<db::Database> database_;
  const peer::OwnMount& mount_;
  os::Fd file_;
  os::Fd wal_;  // never read or written
  std::optional<peer::ByteLock> shared_;
  std::unique_ptr<peer::ShmMapping> shm_;
  std::optional<sqlite::WalIndex> index_;
};

}  // namespace skerry::apply
