// skerry mount: runs a node.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/app/cli/flag_set.h"
#include "daemon/config/config.h"

namespace skerry::app {

struct MountCommand {
  static constexpr Usage kUsage = {
      "mount", "[flags] [-- COMMAND [ARG...]]",
      "run a node: mount the folder, replicate, supervise",
      "Mounts the folder in which applications see their databases, joins the cluster and, once\n"
      "the node is ready, runs the commands under \"exec\" of the configuration file, or COMMAND\n"
      "in their place. The file is searched for in the current folder, the home folder and /etc\n"
      "as skerry.yml or litefs.yml."};

  std::string config_path;  // empty: search
  bool no_expand_env = false;
  bool fuse_debug = false;
  bool tracing = false;
  bool debug = false;
  bool skip_unmount = false;
  std::optional<std::vector<std::string>> exec;  // in place of the file's; empty: nothing to run
};

void declare(FlagSet& flags, MountCommand& command);
[[nodiscard]] Status check(const MountCommand& command);

// Flags win over the file.
void apply(const MountCommand& command, config::Config& config);

// Runs until it is told to stop, and returns the exit code.
[[nodiscard]] int execute(const MountCommand& command);

}  // namespace skerry::app
