#include "daemon/app/node/node_files.h"

#include <fmt/format.h>

namespace skerry::app {

// A node that is not the primary always has the file, with an empty line if nobody is known:
// libraries take its absence for being the primary.
std::optional<fusefs::VirtualFile::Content> RoleFiles::primary() {
  if (role_.shows_primary()) return std::nullopt;
  const auto last = role_.last_primary();
  return fusefs::VirtualFile::Content{(last ? last->hostname : "") + "\n", 0};
}

fusefs::VirtualFile::Content RoleFiles::lag() {
  // As LiteFS prints it before the first contact with a primary.
  constexpr int64_t kUnknown = 2147483647;
  const NodeStreams* streams = streams_;
  const auto lag = streams != nullptr   ? streams->lag_ms()
                   : role_.is_primary() ? std::optional<int64_t>(0)
                                        : std::nullopt;
  const int64_t shown = std::min(lag.value_or(kUnknown), kUnknown);
  const int64_t told_ms = streams != nullptr ? streams->last_timestamp_ms() : 0;
  return {fmt::format("{:+010d}\n", shown), told_ms * 1'000'000};
}

}  // namespace skerry::app
