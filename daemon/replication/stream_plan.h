// What a stream sends next of one database: pure decisions over positions.
#pragma once

#include <optional>

#include "daemon/replication/frames.h"
#include "ltx/base/types.h"

namespace skerry::replication {

// What the sender knows of a database's history.
struct LocalHistory {
  Position position;
  Txid log_first;  // oldest transaction in the commit log; 0: the log is empty
  // What the database's checksum was after the replica's txid, if the log (or `position`) tells.
  std::optional<Checksum> checksum_then;
};

struct CatchUp {
  enum class Way : uint8_t { kNothing, kLog, kImage };
  Way way = Way::kNothing;
  ImageReason reason = ImageReason::kNew;  // of an image
  friend bool operator==(CatchUp, CatchUp) = default;
};

// `replica`: txid 0 if it does not have the database.
[[nodiscard]] CatchUp plan_catch_up(Position replica, const LocalHistory& local);

// What to do with the next transaction of the ring for a stream that has sent up to `sent`.
enum class RingStep : uint8_t {
  kSkip,     // sent already
  kSend,     // it follows
  kCatchUp,  // it does not follow: plan anew
};
[[nodiscard]] RingStep plan_ring_step(Position sent, Position pre, Position post);

}  // namespace skerry::replication
