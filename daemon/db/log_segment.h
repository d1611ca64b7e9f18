// One file of the commit log: records one after the other, appended only. Named by its first txid,
// `<16 hex>.log`.
//
// Threads: one writer (append, drop_after: under the database's mutex); any number of readers at
// the same time, which see whole records only. A reader's shared_ptr keeps the file readable after
// the segment was removed from disk.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "daemon/db/log_record.h"
#include "daemon/os/file_system.h"

namespace skerry::db {

struct RecordPlace {
  RecordHead head;
  uint64_t offset = 0;  // of the head
  [[nodiscard]] uint64_t ltx_offset() const { return offset + kRecordHeadBytes; }
  [[nodiscard]] uint64_t end() const { return ltx_offset() + head.ltx_bytes; }
};

class LogSegment {
 public:
  [[nodiscard]] static Result<std::shared_ptr<LogSegment>> create(os::FileSystem& fs,
                                                                  const std::string& dir,
                                                                  Txid first);
  // Finds the records by their heads. What follows the last whole head is left where it is and
  // overwritten by the next append; `torn_bytes` says how much that is.
  [[nodiscard]] static Result<std::shared_ptr<LogSegment>> open(os::FileSystem& fs,
                                                                const std::string& path);

  // Records are written by the caller through write(); publish() makes the record one.
  [[nodiscard]] Status write(os::Site site, uint64_t offset, ByteView data);
  void publish(const RecordPlace& record);
  // Forgets the records after `last`, on disk too.
  [[nodiscard]] Status drop_after(Txid last);
  [[nodiscard]] Status sync(os::Site site);

  [[nodiscard]] uint64_t end() const;  // offset where the next record goes
  [[nodiscard]] size_t records() const;
  [[nodiscard]] Txid first() const { return first_; }
  [[nodiscard]] Txid last() const;  // of the last record; first() − 1 without one
  [[nodiscard]] uint64_t torn_bytes() const { return torn_bytes_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int64_t created_ms() const { return created_ms_; }

  // The record that contains `txid`, or the first after it.
  [[nodiscard]] std::optional<RecordPlace> find(Txid txid) const;
  [[nodiscard]] Result<Bytes> read_ltx(const RecordPlace& record) const;
  [[nodiscard]] Result<size_t> read_at(uint64_t offset, ByteSpan into) const;

 private:
  LogSegment(std::unique_ptr<os::File> file, std::string path, Txid first);
  [[nodiscard]] Status find_records();

  std::unique_ptr<os::File> file_;
  std::string path_;
  Txid first_;
  uint64_t torn_bytes_ = 0;
  int64_t created_ms_ = 0;
  mutable std::mutex mutex_;
  std::vector<RecordPlace> records_;  // guarded by mutex_
};

}  // namespace skerry::db
