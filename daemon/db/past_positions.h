// Where a database stood, as far as its history tells: what two nodes compare to find out where
// their histories part.
//
// Threads: any; reads a header per transaction from the disk.
#pragma once

#include <vector>

#include "daemon/db/commit_log.h"

namespace skerry::db {

// Newest first, none after `last`, at most `count_max`. `now` is the database's position. A history
// that is there from its beginning ends with position 0. Merged transactions show only their ends.
[[nodiscard]] std::vector<Position> past_positions(const CommitLog& log, Position now, Txid last,
                                                   size_t count_max);

}  // namespace skerry::db
