// From the process's arguments to what is to be done. Pure: reads nothing but its arguments.
#pragma once

#include <expected>
#include <string>
#include <variant>
#include <vector>

#include "daemon/app/cli/cluster_commands.h"
#include "daemon/app/cli/config_check_command.h"
#include "daemon/app/cli/export_command.h"
#include "daemon/app/cli/failover_command.h"
#include "daemon/app/cli/help_command.h"
#include "daemon/app/cli/import_command.h"
#include "daemon/app/cli/mount_command.h"
#include "daemon/app/cli/orphans_commands.h"
#include "daemon/app/cli/output.h"
#include "daemon/app/cli/run_command.h"
#include "daemon/app/cli/status_command.h"
#include "daemon/app/cli/upgrade_command.h"
#include "daemon/app/cli/version_command.h"

namespace skerry::app {

// Each has an execute() in its header.
using Command = std::variant<HelpCommand, MountCommand, RunCommand, ImportCommand, ExportCommand,
                             StatusCommand, FailoverCommand, HistoryCommand,
                             ClusterStatusCommand, ClusterIdCommand,
                             ClusterAdoptCommand, ClusterResetCommand,
                             ClusterForcePrimaryCommand, OrphansListCommand,
                             OrphansShowCommand, OrphansDiffCommand, OrphansExportCommand,
                             OrphansDropCommand, ConfigCheckCommand, UpgradeCommand,
                             VersionCommand>;

// `args` with the program's path first; messages use its last part, so that the program may be
// called litefs. No command, a flag in its place, or -h make a HelpCommand. The Output of an error:
// exit code 1 for an unknown command, 2 for a wrong use of a known one, and what to print.
[[nodiscard]] std::expected<Command, Output> parse_command_line(
    const std::vector<std::string>& args);

}  // namespace skerry::app
