// Copies what a database's WAL holds into the database file, as SQLite's passive checkpoint does
// and beside it: under WAL_CKPT_LOCK, as far as the readers' marks allow, with readers of the bare
// file kept out meanwhile. The database file is written behind the mount, and the kernel's cache of
// it is brought up to date.
//
// A crash at any point leaves the WAL as it was: what is copied is copied again.
//
// A seat of its own; one thread; never with the database's mutex held. Blocks as the disk does.
#pragma once

#include "daemon/apply/seat.h"

namespace skerry::apply {

class Checkpoint {
 public:
  // What it found. `old_reader`: of a process whose snapshot keeps frames from being copied.
  struct Outcome {
    uint32_t frames = 0;  // in the WAL
    uint32_t backfilled = 0;
    std::optional<pid_t> old_reader;
  };

  Checkpoint(Seat& seat, db::Replica& replica, db::KernelCache& cache)
      : seat_(seat), replica_(replica), cache_(cache) {}

  // The seat is connected, and has the wal-index open.
  [[nodiscard]] Result<Outcome> run();

 private:
  struct Copy {
    PageNo pgno;
    uint32_t frame;
  };
  [[nodiscard]] Result<uint32_t> frames_not_read(uint32_t max_frame, peer::ByteLock& last_mark);
  [[nodiscard]] Status copy_all(uint32_t upto);
  [[nodiscard]] Result<std::vector<Copy>> choose(uint32_t first, uint32_t last);
  [[nodiscard]] Status copy(std::span<const Copy> pages);
  [[nodiscard]] Status copy_run(std::span<const Copy> run);
  [[nodiscard]] Status make_room(uint32_t last_page);
  [[nodiscard]] Status finish();

  Seat& seat_;
  db::Replica& replica_;
  db::KernelCache& cache_;
  db::Replica::View view_;
  sqlite::WalIndexHeader header_;
  bool store_ = true;  // what is copied goes into the kernel's cache, too
  Outcome outcome_;
  Bytes buffer_;
};

}  // namespace skerry::apply
