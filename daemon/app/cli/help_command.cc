#include "daemon/app/cli/help_command.h"

#include <fmt/format.h>

#include "daemon/app/cli/command_list.h"
#include "daemon/app/cli/output.h"

namespace skerry::app {
namespace {

std::string overview(std::string_view program) {
  std::string text = fmt::format(
      "Skerry keeps SQLite databases in step between machines: applications open plain files in a\n"
      "mounted folder, and every transaction reaches all nodes.\n"
      "\n"
      "Usage: {} COMMAND [flags]\n"
      "\n"
      "Commands:\n",
      program);
  for_each_command([&]<typename C>() {
    text += fmt::format("  {:<23}{}\n", C::kUsage.command, C::kUsage.summary);
  });
  text += fmt::format("\n\"{} help COMMAND\" shows a command's flags.\n", program);
  return text;
}

}  // namespace

std::string help_text(const HelpCommand& command) {
  std::string text;
  for_each_command([&]<typename C>() {
    const std::string_view name = C::kUsage.command;
    if (name != command.topic && !name.starts_with(command.topic + " ")) return;
    C options;
    FlagSet flags(C::kUsage);
    declare(flags, options);
    text += (text.empty() ? "" : "\n") + flags.usage(command.program);
  });
  return text.empty() ? overview(command.program) : text;
}

int execute(const HelpCommand& command) {
  return emit({.exit_code = kExitUsageError, .out = help_text(command), .err = {}});
}

}  // namespace skerry::app
