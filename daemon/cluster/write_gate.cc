#include "daemon/cluster/write_gate.h"

#include <fmt/format.h>

#include <cerrno>

#include "daemon/db/database.h"

namespace skerry::cluster {

Status WriteGate::may_write(const db::Database& database) {
  if (role_.is_primary()) return {};
  const lease::LeaseState state = role_.state();
  std::string why = "this node is a replica; no primary is known";
  if (state.phase == lease::Phase::kPrimary || state.phase == lease::Phase::kLapsed) {
    why = "this node's right to write has run out; " + state.reason;
  } else if (const auto& primary = state.primary) {
    why = "this node is a replica; the primary is " +
          (primary->hostname.empty() ? primary->advertise_url : primary->hostname);
  }
  return fail(Errc::kReadOnly, fmt::format("{} cannot be written here: {}", database.name(), why),
              EROFS);
}

Status WriteGate::may_acknowledge(const db::Database& database) {
  if (role_.is_primary()) return {};
  return fail(
      Errc::kTimeout,
      fmt::format("a commit to {} reached the disk after this node's right to write had run "
                  "out; the application is told that it failed",
                  database.name()),
      EIO);
}

Result<db::CommitGate::Decision> WriteGate::may_commit(const db::Database& database,
                                                       const db::Transaction&) {
  TRY(may_write(database));
  return Decision::kGrant;
}

// Never asked for: nothing is held yet that this gate decides.
void WriteGate::hold(db::Database&, const db::Transaction&, Resume resume) {
  resume(fail(Errc::kUnsupported, "nobody confirms commits"));
}

}  // namespace skerry::cluster
