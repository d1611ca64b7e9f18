#include "daemon/app/node/node_files.h"

#include <fmt/format.h>

namespace skerry::app {

// A node that is not the primary always has the file, with an empty line if nobody is known:
// libraries take its absence for being the primary.
std::optional<fusefs::VirtualFile::Content> RoleFiles::primary() {
  const lease::LeaseState state = role_.state();
  if (state.is_primary) return std::nullopt;
  return fusefs::VirtualFile::Content{(state.primary ? state.primary->hostname : "") + "\n", 0};
}

fusefs::VirtualFile::Content RoleFiles::lag() {
  // As LiteFS prints it before the first contact with a primary.
  constexpr int64_t kUnknown = 2147483647;
  return {fmt::format("{:+010d}\n", role_.is_primary() ? 0 : kUnknown), 0};
}

}  // namespace skerry::app
