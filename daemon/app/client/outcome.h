// How commands that talk to a node report.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "daemon/app/cli/output.h"
#include "ltx/base/result.h"

namespace skerry::app {

// "ERROR: <message>" on stderr, exit code 1.
[[nodiscard]] Output failure(const Error& error);

// LiteFS's success line: "Import of database "x" in 1.2s".
[[nodiscard]] std::string success_line(std::string_view what, std::string_view database,
                                       std::chrono::nanoseconds took);

}  // namespace skerry::app
