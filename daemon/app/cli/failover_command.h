// skerry failover: moves the primary to another node or region, in order.
#pragma once

#include <string>

#include "daemon/app/cli/flag_set.h"
#include "daemon/app/cli/url_flag.h"
#include "daemon/config/config.h"

namespace skerry::app {

struct FailoverCommand {
  static constexpr Usage kUsage = {
      "failover", "[flags] -to NODE|REGION", "move the primary to another node or region",
      "Makes a node the primary without losing a write: checks that it can, holds new writes, lets\n"
      "those under way finish, waits until the node has everything, and moves the lease. If a step\n"
      "fails, the primary goes on as before. Any node may be asked."};

  std::string url{kDefaultUrl};
  std::string to;
  std::string timeout = "10s";
  bool dry_run = false;
  bool json = false;

  config::Duration parsed_timeout{};  // set by check()
};

void declare(FlagSet& flags, FailoverCommand& command);
[[nodiscard]] Status check(FailoverCommand& command);

// Talks to the node at `url` and returns the exit code: 0 if the primary moved, or could.
[[nodiscard]] int execute(const FailoverCommand& command);

}  // namespace skerry::app
