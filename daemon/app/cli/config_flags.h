// The flags by which commands find the configuration file.
#pragma once

#include <string>

#include "daemon/app/cli/flag_set.h"

namespace skerry::app {

inline void declare_config(FlagSet& flags, std::string& path, bool& no_expand_env) {
  flags.text("config", path, "PATH", "read this configuration file instead of searching for one");
  flags.boolean("no-expand-env", no_expand_env,
                "do not put environment variables into the configuration file");
}

}  // namespace skerry::app
