// Writes an orphan so that it is there as a whole or not at all: in a folder of another name first,
// on disk, then renamed. Errors leave nothing behind but that folder, which the next one clears.
//
// Threads: one at a time. Blocks for as long as a copy of the database takes.
#pragma once

#include "daemon/cluster/orphan.h"
#include "daemon/db/database.h"

namespace skerry::cluster {

// More transactions are merged into files of several.
inline constexpr size_t kOrphanFilesMax = 256;

// `orphan` says all but id, path, bytes and has_snapshot; they are filled in. kBusy: the database
// moved on meanwhile.
[[nodiscard]] Result<Orphan> write_orphan(os::FileSystem& fs, const std::string& data_dir,
                                          std::shared_ptr<db::Database> database, Orphan orphan);

}  // namespace skerry::cluster
