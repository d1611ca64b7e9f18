// Who was the primary, as this node saw it, and why that ended: <data>/history, one JSON object a
// line, for `skerry history`. Bounded: when it has grown to kBytesMax the older half goes.
//
//   {"ms":1700000000000,"epoch":7,"primary":"a","url":"http://a:20202","self":true,
//    "phase":"primary","reason":"…"}
//
// Threads: any.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/os/file_system.h"
#include "lease/leaser.h"

namespace skerry::cluster {

struct HistoryEntry {
  int64_t ms = 0;  // wall clock
  Epoch epoch;
  std::string primary;  // hostname; empty: none was known
  std::string url;
  bool self = false;  // this node
  std::string phase;
  std::string reason;
  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

[[nodiscard]] std::string encode_history(const HistoryEntry& entry);
// Nothing if it is not such a line.
[[nodiscard]] std::optional<HistoryEntry> decode_history(std::string_view line);

// A time during which one node was the primary, as far as the entries tell.
struct Reign {
  std::string primary;
  std::string url;
  Epoch epoch;
  bool self = false;
  int64_t from_ms = 0;
  std::optional<int64_t> until_ms;  // nothing: still, or until this node stopped looking
  std::string end;                  // why it ended
  friend bool operator==(const Reign&, const Reign&) = default;
};
// Oldest first. Pure.
[[nodiscard]] std::vector<Reign> reigns_of(const std::vector<HistoryEntry>& entries);

class HistoryLog {
 public:
  static constexpr uint64_t kBytesMax = 256 << 10;

  HistoryLog(os::FileSystem& fs, const std::string& data_dir);
  // Appends it if something changed but the reason of a node that has no primary. Not on disk at
  // once.
  [[nodiscard]] Status note(const lease::LeaseState& state, int64_t wall_ms);

 private:
  [[nodiscard]] Status append(const HistoryEntry& entry);
  [[nodiscard]] Status shorten();

  os::FileSystem& fs_;
  const std::string path_;
  std::mutex mutex_;
  std::optional<HistoryEntry> last_;  // guarded by mutex_
};

// Lines that are not entries are left out; a file that is not there is empty.
[[nodiscard]] Result<std::vector<HistoryEntry>> read_history(os::FileSystem& fs,
                                                             const std::string& data_dir);

}  // namespace skerry::cluster
