// What `skerry status` prints, made from the node's JSON. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ltx/base/result.h"

namespace skerry::app {

// kCorrupt: not what a node says.
[[nodiscard]] Result<std::string> status_report(std::string_view json);

}  // namespace skerry::app
