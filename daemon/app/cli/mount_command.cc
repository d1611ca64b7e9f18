#include "daemon/app/cli/mount_command.h"

#include "daemon/app/cli/config_flags.h"
#include "daemon/config/exec.h"

namespace skerry::app {

void declare(FlagSet& flags, MountCommand& command) {
  declare_config(flags, command.config_path, command.no_expand_env);
  flags.boolean("debug", command.debug, "log details");
  flags.boolean("fuse.debug", command.fuse_debug, "log every file-system request");
  flags.boolean("tracing", command.tracing, "write a trace of internal events to stdout");
  flags.boolean("skip-unmount", command.skip_unmount,
                "leave the mount in place at the end, for containers that share it");
  flags.command_after_dashes(command.exec);
}

Status check(const MountCommand&) {
  return {};
}

void apply(const MountCommand& command, config::Config& config) {
  if (command.fuse_debug) config.fuse.debug = true;
  if (command.debug) config.log.debug = true;
  if (!command.exec) return;
  config.exec.clear();
  if (!command.exec->empty()) config.exec.push_back(config::exec_of(*command.exec));
}

}  // namespace skerry::app
