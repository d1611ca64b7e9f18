// How far this node's databases have come, as the election compares nodes.
#pragma once

#include "daemon/store/store.h"
#include "lease/standing.h"

namespace skerry::cluster {

// Takes each database's mutex for a moment.
[[nodiscard]] lease::Standing standing_of(const store::Store& store);

}  // namespace skerry::cluster
