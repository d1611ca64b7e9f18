// Transactions that this node committed or received and that the primary does not have, kept before
// the database was brought in line with the primary's (ltx/FORMAT.md, Orphans):
//
//   <data>/orphans/<epoch>-<node>[.<n>]/<database>/orphan.json, snapshot.ltx, base.ltx,
//                                           <min>-<max>.ltx …
//
// Reading needs no running node. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "daemon/os/file_system.h"
#include "ltx/base/types.h"

namespace skerry::cluster {

struct Orphan {
  std::string id;    // "<epoch>-<node>[.<n>]/<database>": how people name it
  std::string path;  // its folder
  std::string database;
  std::optional<Position> fork;  // the newest position that both histories have, if that was found
  Position end;                  // where the database stood
  Epoch epoch;                   // the highest in it
  NodeId node;                   // on which it was kept
  std::string hostname;
  std::string primary;  // whose history took its place: its hostname or id
  Epoch primary_epoch;
  int64_t kept_ms = 0;        // wall clock
  uint64_t transactions = 0;  // after the fork; or all that were at hand
  bool is_certain = true;     // false: the primary could not tell whether it has them
  bool has_snapshot = true;   // the database at `end` is there
  bool has_base = false;      // … and what leads from there back to the fork
  uint64_t bytes = 0;         // of all files
};

inline constexpr const char* kOrphanFile = "orphan.json";
inline constexpr const char* kOrphanSnapshot = "snapshot.ltx";
inline constexpr const char* kOrphanBase = "base.ltx";

[[nodiscard]] std::string orphans_dir(const std::string& data_dir);

// orphan.json; id and path are where it lies.
[[nodiscard]] std::string encode_orphan(const Orphan& orphan);
[[nodiscard]] Result<Orphan> decode_orphan(std::string_view json);

// Oldest first; none if there is no folder. What is not readable is left out and named in `broken`,
// if that is given.
[[nodiscard]] Result<std::vector<Orphan>> list_orphans(os::FileSystem& fs,
                                                       const std::string& data_dir,
                                                       std::vector<std::string>* broken = nullptr);
// kNotFound names those that there are.
[[nodiscard]] Result<Orphan> find_orphan(os::FileSystem& fs, const std::string& data_dir,
                                         const std::string& id);
[[nodiscard]] Status drop_orphan(os::FileSystem& fs, const Orphan& orphan);

}  // namespace skerry::cluster
