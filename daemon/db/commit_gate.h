// The seam at which a write is allowed, refused or held: role, lease, replication mode, disk.
#pragma once

#include <functional>

#include "daemon/db/history.h"

namespace skerry::db {

class Database;

class CommitGate {
 public:
  enum class Decision { kGrant, kHold };

  virtual ~CommitGate() = default;

  // Asked at the first sign of a local write and again for every commit, on a FUSE request thread
  // with the database's mutex held: must not block and must not call the database. An error refuses
  // the write; SQLite rolls the transaction back.
  [[nodiscard]] virtual Status may_write(const Database& database) = 0;

  // The epoch under which this node writes now.
  [[nodiscard]] virtual Epoch epoch() = 0;

  // Asked once a transaction is in the log and before anybody can see it; as above. kHold promises
  // a later call of hold()'s callback.
  [[nodiscard]] virtual Result<Decision> may_commit(const Database& database,
                                                    const Transaction& transaction) = 0;

  // Asked once a granted transaction has reached the disk, before it is published and the
  // application told; as above. An error: the time that it took was more than the right to write
  // lasted. Nobody is told that it was committed. In a WAL it is undone; in rollback mode, where
  // the journal is gone by then, it stays, and the application has an error of unknown outcome.
  [[nodiscard]] virtual Status may_acknowledge(const Database& database) {
    (void)database;
    return {};
  }

  // Called after kHold with the database's mutex released. The gate calls `resume` exactly once,
  // from any thread, within its own time limit.
  using Resume = std::move_only_function<void(Status)>;
  virtual void hold(Database& database, const Transaction& transaction, Resume resume) = 0;
};

// Told of what became part of the history, with the database's mutex held: must be quick, must not
// block and must not call the database.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  // Whether committed() is to have the pages of a transaction that changes as many of this size
  // (`Transaction::images`). Asked for each commit, and in rollback mode also with `pages` 1 before
  // each write: one or two loads.
  [[nodiscard]] virtual bool wants_images(uint32_t pages, PageSize page_size) {
    (void)pages, (void)page_size;
    return false;
  }
  virtual void committed(Database& database, const Transaction& transaction) = 0;
};

}  // namespace skerry::db
