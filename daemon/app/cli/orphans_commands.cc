#include "daemon/app/cli/orphans_commands.h"

#include <fmt/format.h>

namespace skerry::app {

static void declare_against(FlagSet& flags, bool& present, std::string& against) {
  flags.boolean("present", present, "compare with the database in the data folder");
  flags.text("against", against, "PATH", "compare with this database file");
}

void declare(FlagSet& flags, OrphansListCommand& command) {
  declare_data(flags, command.data);
  flags.boolean("json", command.json, "print one JSON array, for programs");
}

void declare(FlagSet& flags, OrphansShowCommand& command) {
  declare_data(flags, command.data);
  declare_against(flags, command.present, command.against);
  flags.boolean("json", command.json, "print one JSON object, for programs");
  flags.operand("ORPHAN", command.id);
}

void declare(FlagSet& flags, OrphansDiffCommand& command) {
  declare_data(flags, command.data);
  declare_against(flags, command.present, command.against);
  flags.boolean("json", command.json, "print one JSON object a row, for programs");
  flags.operand("ORPHAN", command.id);
}

void declare(FlagSet& flags, OrphansExportCommand& command) {
  declare_data(flags, command.data);
  flags.operand("ORPHAN", command.id);
  flags.operand("PATH", command.path);
}

void declare(FlagSet& flags, OrphansDropCommand& command) {
  declare_data(flags, command.data);
  flags.boolean("yes", command.yes, "yes, remove it for good");
  flags.operand("ORPHAN", command.id);
}

Status check(const OrphansDropCommand& command) {
  if (command.yes) return {};
  return fail(Errc::kInvalid,
              fmt::format("{} would be gone for good; write -yes if that is meant", command.id));
}

}  // namespace skerry::app
