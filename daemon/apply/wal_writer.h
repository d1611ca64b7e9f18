// Appends one transaction to a database's WAL, as SQLite's writers do, and shows it to readers.
// WAL_WRITE_LOCK is held all the time:
//
//   prepare()  the wal-index is valid and shows every commit that the WAL has
//   begin()    where the frames go; the WAL is started over if nobody needs what it holds
//   write()    the frames, into the file behind the mount and into the kernel's cache of it
//   show()     the wal-index: from now on readers find them
//   undo()     instead of show(): the file ends where it ended before
//
// One thread; never with the database's mutex held.
#pragma once

#include "daemon/apply/seat.h"
#include "daemon/apply/staged_pages.h"

namespace skerry::apply {

class WalWriter {
 public:
  WalWriter(Seat& seat, db::Replica& replica, db::KernelCache& cache)
      : seat_(seat), replica_(replica), cache_(cache) {}

  // False: somebody has the locks that mending the wal-index needs; try again.
  [[nodiscard]] Result<bool> prepare();
  [[nodiscard]] Status begin(PageSize page_size, size_t frames);
  [[nodiscard]] Status write(PageRun& pages, uint32_t commit);
  [[nodiscard]] Status show();
  void undo();

  // After write(): what the WAL is then.
  [[nodiscard]] const sqlite::WalHeader& header() const { return header_; }
  [[nodiscard]] sqlite::WalEnd end() const { return {frame_, checksum_, checksum_}; }
  // Frames that no checkpoint has taken over yet.
  [[nodiscard]] uint32_t not_backfilled() const { return not_backfilled_; }
  // begin() would have started the WAL over, but somebody reads in it.
  [[nodiscard]] std::optional<pid_t> old_reader() const { return old_reader_; }

 private:
  [[nodiscard]] bool index_fits(const db::Replica::View& view) const;
  [[nodiscard]] Result<bool> rebuild(const db::Replica::View& view);
  [[nodiscard]] Status catch_up(const db::Replica::View& view);
  [[nodiscard]] Status try_restart();
  [[nodiscard]] Status make_room();
  [[nodiscard]] Status load_head();
  [[nodiscard]] Status put_frame(PageNo pgno, uint32_t commit, ByteView page);
  [[nodiscard]] Status flush();

  Seat& seat_;
  db::Replica& replica_;
  db::KernelCache& cache_;
  std::shared_ptr<os::File> file_;
  std::optional<sqlite::WalIndexHeader> shown_;  // what the wal-index says
  sqlite::WalHeader header_;
  uint32_t frame_ = 0;  // written last
  uint32_t frame_last_ = 0;
  uint32_t commit_ = 0;
  sqlite::WalChecksum checksum_;
  uint64_t start_ = 0;  // offset of the first frame, or of the WAL's header
  // What is to be written: whole pages of the kernel's cache, so that it has them whole.
  Bytes buffer_;
  uint64_t buffer_at_ = 0;
  uint32_t not_backfilled_ = 0;
  std::optional<pid_t> old_reader_;
};

}  // namespace skerry::apply
