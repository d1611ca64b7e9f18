// skerry config check: reads the configuration as mount would, and shows what comes of it.
#pragma once

#include <string>

#include "daemon/app/cli/flag_set.h"
#include "daemon/app/cli/output.h"
#include "daemon/config/load.h"

namespace skerry::app {

struct ConfigCheckCommand {
  static constexpr Usage kUsage = {
      "config check", "[flags]", "check the configuration file and print what it comes to",
      "Finds and reads the configuration file as mount does, prints every setting with its value\n"
      "(without secrets), warns of what has no effect, and exits with 2 if something is wrong."};

  std::string config_path;  // empty: search
  bool no_expand_env = false;
};

void declare(FlagSet& flags, ConfigCheckCommand& command);
[[nodiscard]] Status check(const ConfigCheckCommand& command);

// `options` with where to search; the command's flags are put in.
[[nodiscard]] Output config_check(const ConfigCheckCommand& command, config::LoadOptions options);

[[nodiscard]] int execute(const ConfigCheckCommand& command);

}  // namespace skerry::app
