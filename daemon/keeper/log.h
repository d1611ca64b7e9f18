// The keeper's log lines, in the same two forms as the worker's (daemon/log).
#pragma once

namespace skerry::keeper {

void log_as_json(bool json);

// One line to stderr: "INFO  <key>: <message>", or a JSON object. `key` is stable, for machines.
[[gnu::format(printf, 2, 3)]] void log_line(const char* key, const char* format, ...);

}  // namespace skerry::keeper
