#include "daemon/app/cli/status_command.h"

namespace skerry::app {

void declare(FlagSet& flags, StatusCommand& command) {
  declare_url(flags, command.url);
  flags.boolean("json", command.json, "print one JSON object, for programs");
}

Status check(const StatusCommand& command) {
  return check_url(command.url);
}

}  // namespace skerry::app
