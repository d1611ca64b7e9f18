#include "daemon/app/cli/failover_command.h"

#include <fmt/format.h>

#include "daemon/config/duration.h"

namespace skerry::app {

void declare(FlagSet& flags, FailoverCommand& command) {
  declare_url(flags, command.url);
  flags.text("to", command.to, "NODE|REGION", "the new primary's hostname or id, or its region");
  flags.text("timeout", command.timeout, "DURATION",
             "for everything before the lease moves (default 10s, at most 1m)");
  flags.boolean("dry-run", command.dry_run, "say what would be done, and do nothing");
  flags.boolean("json", command.json, "print one JSON object, for programs");
}

Status check(FailoverCommand& command) {
  if (command.to.empty()) {
    return fail(Errc::kInvalid,
                "-to is missing; write the hostname of a node, or a region (\"skerry status\" on "
                "the primary lists who follows it)");
  }
  const auto timeout = config::parse_duration(command.timeout);
  if (!timeout || *timeout <= config::Duration{0} || *timeout > std::chrono::minutes(1)) {
    return fail(Errc::kInvalid, fmt::format("-timeout is \"{}\"; write it as 10s, at most 1m",
                                            command.timeout));
  }
  command.parsed_timeout = *timeout;
  return check_url(command.url);
}

}  // namespace skerry::app
