// Whether an image that takes the place of a database loses transactions, and from where on: a pure
// decision over where both nodes stood.
#pragma once

#include <optional>
#include <span>

#include "ltx/base/types.h"

namespace skerry::cluster {

struct OrphanPlan {
  bool keep = false;
  bool is_certain = true;        // false: the primary cannot tell whether it has them
  std::optional<Position> fork;  // nothing: further back than one of the two remembers
  friend bool operator==(const OrphanPlan&, const OrphanPlan&) = default;
};

// Who wrote a transaction, or writes now.
struct Writer {
  NodeId node;
  Epoch epoch;
};

// `local` and `primary`: positions, newest first, local's first one being where the database
// stands. `other_history`: the primary says that it never stood there. `last` wrote the newest
// local transaction.
//
// An epoch has one writer, and so one history: what the present writer wrote is not lost, however
// little both remember. In doubt the answer is to keep.
[[nodiscard]] OrphanPlan plan_orphan(std::span<const Position> local,
                                     std::span<const Position> primary, bool other_history,
                                     Writer last, Writer now);

}  // namespace skerry::cluster
