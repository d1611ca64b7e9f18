// skerry run: runs a command with the right to write.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/app/cli/flag_set.h"
#include "daemon/app/cli/url_flag.h"

namespace skerry::app {

struct RunCommand {
  static constexpr Usage kUsage = {
      "run", "[flags] -- COMMAND [ARG...]", "run a command on the primary, or with a halt lock",
      "Runs COMMAND once this node may write: after it has become the primary, or while the\n"
      "primary's writers of one database are halted. Without such a flag it runs at once."};

  std::string url{kDefaultUrl};
  bool promote = false;
  bool if_candidate = false;
  std::string with_halt_lock_on;  // a database's path in the mount
  bool verbose = false;
  std::optional<std::vector<std::string>> argv;  // check(): present and not empty
};

void declare(FlagSet& flags, RunCommand& command);
[[nodiscard]] Status check(const RunCommand& command);

// Returns the exit code of the command, or that of an error before it ran.
[[nodiscard]] int execute(const RunCommand& command);

}  // namespace skerry::app
