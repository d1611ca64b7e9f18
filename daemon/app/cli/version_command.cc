#include "daemon/app/cli/version_command.h"

#include "daemon/app/cli/output.h"

namespace skerry::app {

void declare(FlagSet&, VersionCommand&) {}

Status check(const VersionCommand&) {
  return {};
}

std::string program_version() {
  return SKERRY_VERSION;
}

std::string version_text() {
  return "Skerry v" + program_version();
}

int execute(const VersionCommand&) {
  return emit({.exit_code = 0, .out = version_text() + "\n", .err = {}});
}

}  // namespace skerry::app
