#include "daemon/cluster/write_gate.h"

#include <fmt/format.h>

#include <cerrno>

#include "daemon/db/database.h"

namespace skerry::cluster {

Status WriteGate::may_write(const db::Database& database) {
  if (role_.is_primary()) return {};
  const auto primary = role_.state().primary;
  std::string where = "no primary is known";
  if (primary) {
    where = "the primary is " +
            (primary->hostname.empty() ? primary->advertise_url : primary->hostname);
  }
  return fail(
      Errc::kReadOnly,
      fmt::format("{} cannot be written here: this node is a replica; {}", database.name(), where),
      EROFS);
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
