// skerry version: names this program's version.
#pragma once

#include <string>

#include "daemon/app/cli/flag_set.h"

namespace skerry::app {

struct VersionCommand {
  static constexpr Usage kUsage = {"version", "", "print the version",
                                   "Prints the version of this program."};
};

void declare(FlagSet& flags, VersionCommand& command);
[[nodiscard]] Status check(const VersionCommand& command);

[[nodiscard]] std::string program_version();  // "0.1.0"
[[nodiscard]] std::string version_text();  // "Skerry v0.1.0"

[[nodiscard]] int execute(const VersionCommand& command);

}  // namespace skerry::app
