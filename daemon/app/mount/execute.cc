// skerry mount: as a person starts it, it becomes the keeper; as the keeper starts it, the worker.

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>

#include "daemon/app/cli/mount_command.h"
#include "daemon/app/cli/output.h"
#include "daemon/app/cli/proxy_check.h"
#include "daemon/app/mount/launch.h"
#include "daemon/app/node/node.h"
#include "daemon/app/process_arguments.h"
#include "daemon/config/load.h"
#include "daemon/keeper/protocol.h"
#include "daemon/log/log.h"
#include "daemon/os/changes.h"

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

// A killed worker's last system calls; a disk that is slower is stuck.
constexpr std::chrono::seconds kPredecessorEndsWithin{10};

static Result<std::unique_ptr<os::Changes>> share_changes(bool successor) {
  TRY_ASSIGN(auto changes, os::Changes::open(keeper::kChangesFd));
  if (successor) TRY(changes->wait_for_predecessor(kPredecessorEndsWithin));
  return changes;
}

static int run_worker(const config::Config& config) {
  raise_file_limit();
  const char* which = std::getenv(keeper::kWorkerVariable);
  const bool successor = which != nullptr && std::strcmp(which, "successor") == 0;
  const auto changes = share_changes(successor);
  if (!changes) {
    log::error("start-failed", changes.error().message());
    return kExitRunError;  // the keeper tries again
  }
  return Node(config, successor, **changes).run();
}

int execute(const MountCommand& command) {
  config::LoadOptions options;
  options.path = command.config_path;
  options.expand = !command.no_expand_env;
  auto loaded = config::load(options);
  const Status good = loaded ? check_proxy(loaded->config, loaded->warnings)
                             : Status(std::unexpected(loaded.error()));
  if (!good) return emit({kExitUsageError, "", fmt::format("ERROR: {}\n", good.error().message())});
  apply(command, loaded->config);
  configure_log(loaded->config);
  if (is_worker()) return run_worker(loaded->config);
  (void)emit({0, fmt::format("config file read from {}\n", loaded->path), ""});
  for (const std::string& warning : loaded->warnings) log::warn("config", warning);
  const Error error = launch({loaded->config, process_arguments(), command.skip_unmount});
  return emit({kExitRunError, "", fmt::format("ERROR: {}\n", error.message())});
}

}  // namespace skerry::app
