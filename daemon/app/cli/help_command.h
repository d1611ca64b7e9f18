// skerry help: says how the program is used.
#pragma once

#include <string>
#include <string_view>

namespace skerry::app {

// Also what stands for no command at all, a flag in its place, and a command's -h.
struct HelpCommand {
  std::string program;  // as it was called
  std::string topic;    // a command ("mount", "config check"); anything else: the list of commands
};

[[nodiscard]] std::string help_text(const HelpCommand& command);

// Prints to stdout; the exit code is 2, as users of LiteFS's help know it.
[[nodiscard]] int execute(const HelpCommand& command);

}  // namespace skerry::app
