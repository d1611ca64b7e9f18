#include "daemon/app/node/admin_view.h"

#include <cstdlib>

#include "daemon/app/cli/version_command.h"

namespace skerry::app {

AdminView::AdminView(const Parts& parts) : parts_(parts) {
  const config::LeaseConfig& lease = parts.config.lease;
  const char* region = std::getenv("FLY_REGION");
  identity_.id = parts.id;
  identity_.candidate = lease.candidate;
  identity_.static_lease = lease.type == config::LeaseType::kStatic;
  identity_.hostname = lease.hostname;
  identity_.advertise_url = lease.advertise_url;
  identity_.region = region != nullptr ? region : "";
  identity_.data_dir = parts.config.data.dir;
  identity_.mount_dir = parts.config.fuse.dir;
  identity_.version = program_version();
  identity_.started_ms = parts.clock.wall_ms();
}

admin::Identity AdminView::identity() const {
  admin::Identity identity = identity_;
  identity.cluster_id = parts_.cluster_id.get();
  return identity;
}

admin::Role admin_role(const lease::LeaseState& state) {
  admin::Role role;
  role.is_primary = state.is_primary;
  role.epoch = state.epoch;
  role.primary_known = state.primary.has_value();
  if (state.primary) {
    role.primary_hostname = state.primary->hostname;
    role.primary_url = state.primary->advertise_url;
  }
  return role;
}

admin::Role AdminView::role() const {
  return admin_role(parts_.role.state());
}

std::optional<int64_t> AdminView::lag_ms() const {
  return parts_.streams.lag_ms();
}

Status AdminView::ready() const {
  if (parts_.role.is_primary() || lag_ms()) return {};
  const std::string why = parts_.streams.last_error();
  return fail(Errc::kUnavailable, why.empty() ? "this replica has not heard from its primary yet"
                                              : "this replica has no primary: " + why);
}

std::vector<std::shared_ptr<db::Database>> AdminView::databases() const {
  return parts_.store.list();
}

std::vector<admin::BrokenDatabase> AdminView::broken_databases() const {
  std::vector<admin::BrokenDatabase> all;
  for (const auto& broken : parts_.store.broken()) {
    all.push_back({broken.name, broken.error.message()});
  }
  return all;
}

std::shared_ptr<db::Database> AdminView::find(const std::string& name) const {
  return parts_.store.find(name);
}

Status AdminView::promote() {
  return parts_.handover.promote();
}

Status AdminView::hand_off_to(NodeId node) {
  return parts_.handover.hand_off_to(node);
}

}  // namespace skerry::app
