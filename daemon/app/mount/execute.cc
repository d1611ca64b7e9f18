// skerry mount: as a person starts it, it becomes the keeper; as the keeper starts it, the worker.

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>

#include "daemon/app/cli/mount_command.h"
#include "daemon/app/cli/output.h"
#include "daemon/app/mount/launch.h"
#include "daemon/app/node/node.h"
#include "daemon/app/process_arguments.h"
#include "daemon/config/load.h"
#include "daemon/keeper/protocol.h"
#include "daemon/log/log.h"

namespace skerry::app {

static void configure_log(const config::Config& config) {
  log::configure(
      {config.log.format == config::LogFormat::kJson ? log::Format::kJson : log::Format::kText,
       config.log.timestamp, config.log.debug, 2});
}

// Databases are many files.
static void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_worker(const config::Config& config) {
  raise_file_limit();
  const char* which = std::getenv(keeper::kWorkerVariable);
  const bool successor = which != nullptr && std::strcmp(which, "successor") == 0;
  return Node(config, successor).run();
}

int execute(const MountCommand& command) {
  config::LoadOptions options;
  options.path = command.config_path;
  options.expand = !command.no_expand_env;
  auto loaded = config::load(options);
  if (!loaded)
    return emit({kExitUsageError, "", fmt::format("ERROR: {}\n", loaded.error().message())});
  apply(command, loaded->config);
  configure_log(loaded->config);
  if (is_worker()) return run_worker(loaded->config);
  (void)emit({0, fmt::format("config file read from {}\n", loaded->path), ""});
  for (const std::string& warning : loaded->warnings) log::warn("config", warning);
  const Error error = launch({loaded->config, process_arguments(), command.skip_unmount});
  return emit({kExitRunError, "", fmt::format("ERROR: {}\n", error.message())});
}

}  // namespace skerry::app
