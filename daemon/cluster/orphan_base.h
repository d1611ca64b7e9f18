// The pages that lost transactions changed, as they were before: what leads from the end of an
// orphan back to the fork. They are looked for in the history before the fork and in the database
// file, and taken only if with them the database sums up to the fork's checksum.
//
// Threads: as orphan_writer.h.
#pragma once

#include <optional>
#include <span>

#include "daemon/db/database.h"
#include "daemon/db/stored_ltx.h"

namespace skerry::cluster {

// More is not kept in memory; then there is no way back to the fork.
inline constexpr uint64_t kBaseBytesMax = uint64_t{32} << 20;

// As an LTX file, whose transaction follows the end and whose result is the fork. Nothing: not all
// of them are at hand. `lost` are the transactions after the fork, up to the end; `end_pages` is
// the database there.
struct BaseWanted {
  Position fork;
  Position end;
  uint32_t end_commit = 0;
  NodeId node;
  Epoch epoch;
  int64_t now_ms = 0;
};
[[nodiscard]] Result<std::optional<Bytes>> base_of(db::Database& database, const BaseWanted& wanted,
                                                   std::span<const db::StoredLtx> lost,
                                                   os::File& end_pages);

}  // namespace skerry::cluster
