// What a hand-over came to, for people.
#pragma once

#include <string>

#include "ltx/base/result.h"

namespace skerry::app {

// From the node's JSON (app/node/failover_report.cc). kCorrupt: that is none.
[[nodiscard]] Result<std::string> failover_report(const std::string& json);

}  // namespace skerry::app
