// Carries out what retention_plan() decides for one database: removes the oldest history, merges
// rolled segments of the commit log into ltx/1/, and neighbours there into the next level.
//
// A merged file is written aside, verified, synced and renamed before its inputs are removed, so a
// crash leaves one or the other. Readers keep what they read (StoredLtx). Disk that is full stops
// merging, never removing.
#pragma once

#include "daemon/db/commit_log.h"
#include "daemon/db/retention_plan.h"

namespace skerry::db {

struct RetentionResult {
  size_t removed = 0;  // files
  size_t merged = 0;   // files that others were merged into
  uint64_t freed_bytes = 0;
  std::optional<Error> problem;  // why a merge was given up; removing went on
};

// Any thread, one at a time for a log. Blocks as the disk does. Only what is not after `removable`
// is removed or merged: recovery needs the rest, singly (Database::sync_state).
[[nodiscard]] Result<RetentionResult> enforce_retention(CommitLog& log,
                                                        const RetentionSettings& settings,
                                                        Txid removable, int64_t now_ms);

}  // namespace skerry::db
