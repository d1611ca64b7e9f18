#include "daemon/app/cli/upgrade_command.h"

#include "daemon/app/cli/config_flags.h"

namespace skerry::app {

void declare(FlagSet& flags, UpgradeCommand& command) {
  declare_config(flags, command.config_path, command.no_expand_env);
}

Status check(const UpgradeCommand&) {
  return {};
}

}  // namespace skerry::app
