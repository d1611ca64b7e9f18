#include "daemon/app/run_program.h"

#include <cstdio>
#include <exception>

#include "daemon/app/cli/command_line.h"

namespace skerry::app {

int run_program(int argc, char** argv) {
  // Exceptions are bugs of ours or of a library; nothing that a user does causes one.
  try {
    const auto command = parse_command_line({argv, argv + argc});
    if (!command) return emit(command.error());
    return std::visit([](const auto& one) { return execute(one); }, *command);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "FATAL: %s\n", error.what());
    return kExitRunError;
  }
}

}  // namespace skerry::app
