#include "daemon/app/cli/import_command.h"

namespace skerry::app {

void declare(FlagSet& flags, ImportCommand& command) {
  declare_url(flags, command.url);
  flags.text("name", command.name, "DB", "the name of the database in the cluster");
  flags.operand("PATH", command.path);
}

Status check(const ImportCommand& command) {
  if (command.name.empty()) {
    return fail(Errc::kInvalid, "the database is not named; write -name DB");
  }
  return check_url(command.url);
}

}  // namespace skerry::app
