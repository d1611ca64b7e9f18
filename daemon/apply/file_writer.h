// Writes one transaction into the database file itself, with everybody kept out: by SQLite's
// EXCLUSIVE lock if the database has no WAL, else by all locks of the wal-index.
//
// The record in the log is the redo: it is on disk before the first page is overwritten, and
// whoever finds it past the position writes all of it again. The kernel forgets the pages before
// the record is there, so that nobody reads a mixture if this process ends meanwhile: page 1,
// which every transaction reads first, then comes from its successor.
//
// One thread; never with the database's mutex held.
#pragma once

#include "daemon/apply/seat.h"
#include "daemon/apply/staged_pages.h"
#include "daemon/os/clock.h"

namespace skerry::apply {

class FileWriter {
 public:
  FileWriter(Seat& seat, db::Replica& replica, db::KernelCache& cache, os::Clock& clock)
      : seat_(seat), replica_(replica), cache_(cache), clock_(clock) {}

  // One attempt each. First: nobody else writes from here on.
  [[nodiscard]] Result<bool> keep_writers_out(bool has_wal);
  // Then: nobody reads. What it got so far it keeps, but readers may begin now and then.
  [[nodiscard]] Result<bool> keep_all_out();
  void unlock();
  // Nothing: nobody.
  [[nodiscard]] std::optional<pid_t> writer_in_the_way() const;
  [[nodiscard]] std::optional<pid_t> reader_in_the_way() const;

  // Plays a journal back that a writer left behind when it ended.
  [[nodiscard]] Status roll_back_journal(const peer::OwnMount& mount);
  // Makes sure that the file can hold so much.
  [[nodiscard]] Status reserve(uint64_t bytes);
  // Locked, before the record says "in place": readers that come when this process has ended
  // wait for its successor, whatever that finds.
  [[nodiscard]] Status hide(const db::Received& received);
  // Locked, and the transaction staged. After an error the file may hold any part of it: the locks
  // are kept until a second attempt succeeds.
  [[nodiscard]] Status write(PageRun& pages, const db::Received& received);

 private:
  void forget_pages(const db::Received& received);

  Seat& seat_;
  db::Replica& replica_;
  db::KernelCache& cache_;
  os::Clock& clock_;
  bool has_wal_ = false;
  std::optional<peer::ByteLock> wal_write_;
  std::optional<peer::ByteLock> wal_all_;
  std::optional<peer::ByteLock> reserved_;
  std::optional<peer::ByteLock> pending_;
  bool exclusive_ = false;
  os::MonotonicTime pending_since_;
  os::MonotonicTime pending_again_;
};

}  // namespace skerry::apply
