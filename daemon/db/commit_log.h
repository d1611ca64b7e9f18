// The commit log of one database: its transactions as LTX images, appended to a segment that is
// rolled by size and age (log/<first txid>.log), and the merged files that rolled segments become
// (ltx/<level>/, see ltx_levels.h and retention.h). Together they are the database's history.
//
// A transaction is written in two steps, so that it can still be refused: write() appends it where
// nobody sees it, publish() makes it part of the log, abandon() forgets it. One at a time.
//
// Threads: write, publish, abandon, reset, drop_after, begin_segment: under the database's mutex.
// The rest: any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/db/log_segment.h"
#include "daemon/db/ltx_levels.h"

namespace skerry::db {

inline constexpr uint64_t kSegmentBytesMax = 8 * 1024 * 1024;

class CommitLog {
 public:
  // `known`: the record of the position, as the page-checksum table remembers it.
  [[nodiscard]] static Result<std::unique_ptr<CommitLog>> open(os::FileSystem& fs,
                                                               const std::string& database_dir,
                                                               LogSegment::Known known);

  // `record` begins with kRecordHeadBytes of room for the head, then the LTX image.
  [[nodiscard]] Status write(RecordHead head, ByteSpan record);
  // For a record too large for memory: `produce` is called with a sink for the LTX image's bytes.
  using Sink = std::function<Status(ByteView)>;
  [[nodiscard]] Status write_streamed(RecordHead head,
                                      const std::function<Status(const Sink&)>& produce);
  // For one that is in a file of its own already: kRecordHeadBytes of room, then the LTX image of
  // head.ltx_bytes. The file becomes a segment; abandon() gives it back.
  [[nodiscard]] Status take_file(RecordHead head, const std::string& path);
  // More flags for the written record.
  [[nodiscard]] Status mark_written(uint32_t flags);
  // The written record is on disk when this returns.
  [[nodiscard]] Status sync_written();
  // Returns where it stands.
  LogSegment::Known publish();
  // On disk too: a refused transaction must not come back after a power cut.
  [[nodiscard]] Status abandon();

  // Everything published is on disk when this returns.
  [[nodiscard]] Status sync();
  // Removes the transactions after `last`: only for recovery, and for a branch that was lost.
  [[nodiscard]] Status drop_after(Txid last);
  // The next record starts a new segment.
  void roll();
  // … which is made now, and takes the place of the newest. Nothing is being written.
  [[nodiscard]] Status begin_segment();
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

  // What contains `txid`, from the log or a merged file; nothing if it is older than the history
  // or not written yet.
  [[nodiscard]] Result<std::optional<StoredLtx>> stored(Txid txid) const;
  // The oldest transaction that stored() finds; 0 if there is none.
  [[nodiscard]] Txid oldest() const;
  [[nodiscard]] LtxLevels& levels() { return *levels_; }

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
  std::unique_ptr<LtxLevels> levels_;
  std::atomic<bool> roll_ = false;
  bool directory_unsynced_ = false;  // guarded by mutex_
  std::shared_ptr<LogSegment> pending_segment_;
  RecordPlace pending_;
  std::string pending_taken_from_;  // empty: it was written here
};

}  // namespace skerry::db
