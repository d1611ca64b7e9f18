// Decides what becomes of a database's history: what is merged, what is removed, when the commit
// log goes on in a new segment. Pure: values in, values out.
//
// What is removed is always the oldest; the newest piece stays whatever its age and size, so that a
// peer that is a little behind catches up from it. What is older than the history, a peer gets as
// the difference between its pages and ours.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ltx/base/types.h"

namespace skerry::db {

struct RetentionSettings {
  int64_t age_ms = 0;      // 0 or less: by age nothing is removed
  uint64_t bytes = 0;      // 0: no limit
  bool disk_full = false;  // make room: the older half goes, and nothing is merged
};

// A file of the history. They follow each other without a gap: merged files, then segments of the
// commit log.
struct HistoryPiece {
  int level = 0;  // 0: a segment
  Txid first;
  Txid last;
  uint64_t bytes = 0;
  int64_t oldest_ms = 0;  // since the Unix epoch
  int64_t newest_ms = 0;
  uint32_t page_bytes = 0;  // of merged files
  bool active = false;      // the segment that is being appended to
};

inline constexpr int64_t kMergeAfterMs = 30'000;  // peers a little behind want single transactions
inline constexpr size_t kMergeFiles = 8;          // of one level become one of the next
inline constexpr int kMergeLevelMax = 3;
inline constexpr uint64_t kMergeBytesMax = uint64_t{64} * 1024 * 1024;  // of a merge's inputs
inline constexpr int64_t kAgeParts = 4;  // a piece spans at most that part of the retention's age

struct RetentionPlan {
  struct Merge {
    size_t first = 0;  // index of the oldest piece
    size_t count = 0;
    int level = 1;  // of the result
    friend bool operator==(const Merge&, const Merge&) = default;
  };
  size_t remove = 0;  // so many of the oldest pieces
  std::vector<Merge> merges;
  bool roll = false;
  friend bool operator==(const RetentionPlan&, const RetentionPlan&) = default;
};

[[nodiscard]] RetentionPlan retention_plan(std::span<const HistoryPiece> pieces,
                                           const RetentionSettings& settings, int64_t now_ms);

}  // namespace skerry::db
