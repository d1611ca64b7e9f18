// skerry upgrade: lets this program's version take over from a running node's.
#pragma once

#include <string>

#include "daemon/app/cli/flag_set.h"

namespace skerry::app {

struct UpgradeCommand {
  static constexpr Usage kUsage = {
      "upgrade", "[flags]", "replace a running node's program without unmounting",
      "Asks the node that runs with this configuration on this machine to go on with the program\n"
      "that is installed now. Applications keep their files, locks and connections."};

  std::string config_path;  // empty: search
  bool no_expand_env = false;
};

void declare(FlagSet& flags, UpgradeCommand& command);
[[nodiscard]] Status check(const UpgradeCommand& command);

// Returns the exit code once the successor serves, or has failed to.
[[nodiscard]] int execute(const UpgradeCommand& command);

}  // namespace skerry::app
