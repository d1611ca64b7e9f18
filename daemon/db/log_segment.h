// One file of the commit log: records one after the other, appended only. Named by its first txid,
// `<16 hex>.log`.
//
// A segment is opened in O(1): of a rolled one nothing is read until somebody looks for a record,
// of the active one only what follows the last record that is known (`Known`).
//
// Threads: one writer (write, publish, drop_after: under the database's mutex); any number of
// readers at the same time, which see whole records only. A reader's shared_ptr keeps the file
// readable after the segment was removed from disk.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "daemon/db/log_record.h"
#include "daemon/db/stored_ltx.h"

namespace skerry::db {

struct RecordPlace {
  RecordHead head;
  uint64_t offset = 0;  // of the head
  [[nodiscard]] uint64_t ltx_offset() const { return offset + kRecordHeadBytes; }
  [[nodiscard]] uint64_t end() const { return ltx_offset() + head.ltx_bytes; }
};

class LogSegment {
 public:
  // Where a record stands, as remembered elsewhere; taken for true if a head is found there.
  struct Known {
    uint64_t offset = 0;
    Txid last;
  };

  [[nodiscard]] static Result<std::shared_ptr<LogSegment>> create(os::FileSystem& fs,
                                                                  const std::string& dir,
                                                                  Txid first);
  // From a file that holds one record, but for the head; it moves into `dir`.
  [[nodiscard]] static Result<std::shared_ptr<LogSegment>> take(os::FileSystem& fs,
                                                                const std::string& path,
                                                                const std::string& dir, Txid first);
  // The newest segment. What follows the last whole record is left and overwritten by the next.
  [[nodiscard]] static Result<std::shared_ptr<LogSegment>> open_active(os::FileSystem& fs,
                                                                       const std::string& path,
                                                                       Known known);
  // One whose successor begins after `last`.
  [[nodiscard]] static Result<std::shared_ptr<LogSegment>> open_rolled(os::FileSystem& fs,
                                                                       const std::string& path,
                                                                       Txid last);

  // Records are written by the caller through write(); publish() makes the record one.
  [[nodiscard]] Status write(os::Site site, uint64_t offset, ByteView data);
  void publish(const RecordPlace& record);
  // Forgets the records after `last`, on disk too.
  [[nodiscard]] Status drop_after(Txid last);
  [[nodiscard]] Status sync(os::Site site);

  [[nodiscard]] uint64_t end() const;  // offset where the next record goes
  [[nodiscard]] Txid first() const { return first_; }
  [[nodiscard]] Txid last() const;  // of the last record; first() − 1 without one
  [[nodiscard]] const std::string& path() const { return path_; }
  // Bytes on disk, and when the last record was written (milliseconds since the Unix epoch).
  [[nodiscard]] Result<os::FileInfo> info() const;

  // The record that contains `txid`; nothing if there is none, or the file is damaged before it.
  [[nodiscard]] std::optional<RecordPlace> find(Txid txid) const;
  [[nodiscard]] Result<StoredLtx> stored(const RecordPlace& record) const;
  [[nodiscard]] Result<Bytes> read_ltx(const RecordPlace& record) const;
  [[nodiscard]] Result<size_t> read_at(uint64_t offset, ByteSpan into) const;

 private:
  LogSegment(os::FileSystem& fs, std::string path, Txid first);
  [[nodiscard]] static Result<std::shared_ptr<LogSegment>> named(os::FileSystem& fs,
                                                                 const std::string& path);
  // With mutex_ held:
  [[nodiscard]] Result<os::File*> file() const;
  [[nodiscard]] Status walk(uint64_t offset, Txid due, std::vector<RecordPlace>& into) const;
  [[nodiscard]] Status index_all() const;

  os::FileSystem& fs_;
  const std::string path_;
  const Txid first_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<os::File> file_;    // guarded by mutex_, as the rest
  mutable std::vector<RecordPlace> records_;  // the last ones, in order
  mutable bool complete_ = false;             // … and all of them
  Txid last_;
};

}  // namespace skerry::db
