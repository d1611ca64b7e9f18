// The commit log of one database: its transactions as LTX images, appended to a segment that is
// rolled by size and age. Rolled segments are compacted into ltx/<level>/ and removed
// (retention.h).
//
// A transaction is written in two steps, so that it can still be refused: write() appends it where
// nobody sees it, publish() makes it part of the log, abandon() forgets it. One at a time.
//
// Threads: write, publish, abandon, roll: under the database's mutex. sync() and reading: any.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/db/log_segment.h"

namespace skerry::db {

inline constexpr uint64_t kSegmentBytesMax = 8 * 1024 * 1024;

class CommitLog {
 public:
  // `known`: the record of the position, as the page-checksum table remembers it.
  [[nodiscard]] static Result<std::unique_ptr<CommitLog>> open(os::FileSystem& fs,
                                                               const std::string& dir,
                                                               LogSegment::Known known);

  // `record` begins with kRecordHeadBytes of room for the head, then the LTX image.
  [[nodiscard]] Status write(RecordHead head, ByteSpan record);
  // For a record too large for memory: `produce` is called with a sink for the LTX image's bytes.
  using Sink = std::function<Status(ByteView)>;
  [[nodiscard]] Status write_streamed(RecordHead head,
                                      const std::function<Status(const Sink&)>& produce);
  // The written record is on disk when this returns.
  [[nodiscard]] Status sync_written();
  // Returns where it stands.
  LogSegment::Known publish();
  // On disk too: a refused transaction must not come back after a power cut.
  [[nodiscard]] Status abandon();

  // Everything published is on disk when this returns.
  [[nodiscard]] Status sync();
  // Removes the records after `last`: only for recovery, and for a branch that was lost.
  [[nodiscard]] Status drop_after(Txid last);
  // The next record starts a new segment.
  void roll();
  // Starts anew at a position that does not continue the log (a snapshot was received).
  [[nodiscard]] Status reset();

  [[nodiscard]] Txid first() const;  // 0 if there is no record
  [[nodiscard]] Txid last() const;
  [[nodiscard]] Txid synced() const;

  struct Found {
    std::shared_ptr<LogSegment> segment;
    RecordPlace place;
  };
  // The record that contains `txid`; nothing if it is older than the log or not written yet.
  [[nodiscard]] std::optional<Found> find(Txid txid) const;
  // Oldest first; the last one is being appended to.
  [[nodiscard]] std::vector<std::shared_ptr<LogSegment>> segments() const;
  // Removes the oldest segments, all of whose records are before `txid`, except the active one.
  [[nodiscard]] Status remove_before(Txid txid);

 private:
  CommitLog(os::FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}
  [[nodiscard]] Status load(LogSegment::Known known);
  [[nodiscard]] Result<std::shared_ptr<LogSegment>> segment_for(Txid first);

  os::FileSystem& fs_;
  std::string dir_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<LogSegment>> segments_;  // guarded by mutex_
  std::vector<std::shared_ptr<LogSegment>> unsynced_;  // guarded by mutex_
  Txid synced_;                                        // guarded by mutex_
  bool roll_ = false;
  bool directory_unsynced_ = false;  // guarded by mutex_
  std::shared_ptr<LogSegment> pending_segment_;
  RecordPlace pending_;
};

}  // namespace skerry::db
