// The folder of a database as LiteFS leaves it: database, wal, journal, and its transactions in
// ltx/<first txid>-<last txid>.ltx (LTX format 1; the levels of ours are one folder further down).
// Only read, and in the end renamed: nothing of it is deleted.
#pragma once

#include <optional>
#include <string>

#include "daemon/os/file_system.h"
#include "ltx/header.h"

namespace skerry::db {

// The newest of LiteFS's transactions, which is where its database stands.
struct LitefsState {
  Txid txid;                          // as the file's name has it
  std::optional<ltx::Header> header;  // nothing: the file is damaged
  Checksum post_apply;
  size_t files = 0;
};

// Nothing if LiteFS left no transactions there, or they were set aside.
[[nodiscard]] Result<std::optional<LitefsState>> read_litefs_state(os::FileSystem& fs,
                                                                   const std::string& database_dir);

// Moves them out of the way, durably, and returns the folder in which they are now.
[[nodiscard]] Result<std::string> set_aside_litefs_files(os::FileSystem& fs,
                                                         const std::string& database_dir,
                                                         Txid newest);

}  // namespace skerry::db
