#include "daemon/app/cli/cluster_commands.h"

namespace skerry::app {

static void declare_json(FlagSet& flags, bool& json) {
  flags.boolean("json", json, "print JSON, for programs");
}

void declare(FlagSet& flags, HistoryCommand& command) {
  declare_data(flags, command.data);
  declare_json(flags, command.json);
}

void declare(FlagSet& flags, ClusterStatusCommand& command) {
  declare_url(flags, command.url);
  declare_json(flags, command.json);
}

Status check(const ClusterStatusCommand& command) {
  return check_url(command.url);
}

void declare(FlagSet& flags, ClusterIdCommand& command) {
  declare_data(flags, command.data);
  declare_json(flags, command.json);
}

void declare(FlagSet& flags, ClusterAdoptCommand& command) {
  declare_data(flags, command.data);
  declare_json(flags, command.json);
  flags.operand("ID", command.id);
}

void declare(FlagSet& flags, ClusterResetCommand& command) {
  declare_data(flags, command.data);
  flags.boolean("yes", command.yes, "yes, forget the cluster");
  declare_json(flags, command.json);
}

void declare(FlagSet& flags, ClusterForcePrimaryCommand& command) {
  declare_url(flags, command.url);
  flags.boolean("yes", command.yes, "yes, even if others have newer data");
  declare_json(flags, command.json);
}

Status check(const ClusterResetCommand& command) {
  if (command.yes) return {};
  return fail(Errc::kInvalid,
              "without its id the data folder may become another cluster's; write -yes if that is "
              "meant");
}

Status check(const ClusterForcePrimaryCommand& command) {
  if (!command.yes) {
    return fail(Errc::kInvalid,
                "newer data of other nodes would become orphans; write -yes if that is meant");
  }
  return check_url(command.url);
}

}  // namespace skerry::app
