#include "daemon/app/cli/config_check_command.h"

#include <fmt/format.h>

#include "daemon/app/cli/config_flags.h"
#include "daemon/app/cli/proxy_check.h"
#include "daemon/config/print.h"

namespace skerry::app {

void declare(FlagSet& flags, ConfigCheckCommand& command) {
  declare_config(flags, command.config_path, command.no_expand_env);
}

Status check(const ConfigCheckCommand&) {
  return {};
}

Output config_check(const ConfigCheckCommand& command, config::LoadOptions options) {
  options.path = command.config_path;
  options.expand = !command.no_expand_env;
  Output output;
  auto loaded = config::load(options);
  const Status good = loaded ? check_proxy(loaded->config, loaded->warnings)
                             : Status(std::unexpected(loaded.error()));
  if (!good) {
    output.exit_code = kExitUsageError;
    output.err = fmt::format("ERROR: {}\n", good.error().message());
    return output;
  }
  for (const std::string& warning : loaded->warnings) {
    output.err += fmt::format("WARNING: {}\n", warning);
  }
  output.out =
      fmt::format("config file read from {}\n\n{}", loaded->path, config::print(loaded->config));
  return output;
}

int execute(const ConfigCheckCommand& command) {
  return emit(config_check(command, {}));
}

}  // namespace skerry::app
