// skerry status: shows how a node is.
#pragma once

#include <string>

#include "daemon/app/cli/flag_set.h"
#include "daemon/app/cli/url_flag.h"

namespace skerry::app {

struct StatusCommand {
  static constexpr Usage kUsage = {
      "status", "[flags]", "show a node's role, its peers and its databases",
      "Shows the node's role, who the primary is, and the position of each database."};

  std::string url{kDefaultUrl};
  bool json = false;
};

void declare(FlagSet& flags, StatusCommand& command);
[[nodiscard]] Status check(const StatusCommand& command);

// Talks to the node at `url` and returns the exit code.
[[nodiscard]] int execute(const StatusCommand& command);

}  // namespace skerry::app
