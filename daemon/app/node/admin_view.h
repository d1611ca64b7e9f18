// The node as its API sees it.
#pragma once

#include <functional>

#include "daemon/admin/node_view.h"
#include "daemon/app/node/node_handover.h"
#include "daemon/app/node/node_streams.h"
#include "daemon/cluster/cluster_id.h"
#include "daemon/cluster/role.h"
#include "daemon/config/config.h"
#include "daemon/store/store.h"

namespace skerry::app {

class AdminView final : public admin::NodeView {
 public:
  // What it is made of outlives it.
  struct Parts {
    const config::Config& config;
    NodeId id;
    const cluster::Role& role;
    const cluster::ClusterId& cluster_id;
    store::Store& store;
    os::FileSystem& fs;
    os::Clock& clock;
    apply::Applier& applier;
    const NodeStreams& streams;
    NodeHandover& handover;
  };
  explicit AdminView(const Parts& parts);

  admin::Identity identity() const override;
  admin::Role role() const override;
  std::optional<int64_t> lag_ms() const override;
  Status ready() const override;
  std::vector<std::shared_ptr<db::Database>> databases() const override;
  std::vector<admin::BrokenDatabase> broken_databases() const override;
  std::shared_ptr<db::Database> find(const std::string& name) const override;
  std::vector<admin::Stream> streams() const override { return parts_.streams.streams(); }
  apply::Applier& applier() override { return parts_.applier; }
  os::FileSystem& file_system() override { return parts_.fs; }
  Status promote() override;
  Status hand_off_to(NodeId node) override;

 private:
  const Parts parts_;
  admin::Identity identity_;  // but for the cluster id
};

// What the lease says, as the API tells it.
[[nodiscard]] admin::Role admin_role(const lease::LeaseState& state);

}  // namespace skerry::app
