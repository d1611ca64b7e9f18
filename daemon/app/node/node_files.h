// Content of .primary and .lag, and what the mount's files ask of the node.
#pragma once

#include <atomic>

#include "daemon/app/node/node_streams.h"
#include "daemon/cluster/role.h"
#include "daemon/fusefs/directory.h"
#include "daemon/peer/peer.h"

namespace skerry::app {

class RoleFiles final : public fusefs::NodeFiles {
 public:
  explicit RoleFiles(const cluster::Role& role) : role_(role) {}
  std::optional<fusefs::VirtualFile::Content> primary() override;
  fusefs::VirtualFile::Content lag() override;
  // From then on the lag is known.
  void connect(const NodeStreams& streams) { streams_ = &streams; }

 private:
  const cluster::Role& role_;
  std::atomic<const NodeStreams*> streams_{nullptr};
};

class MountHooks final : public fusefs::Hooks {
 public:
  MountHooks(const cluster::Role& role, peer::Peer& peer) : role_(role), peer_(peer) {}
  bool is_primary() const override { return role_.shows_primary(); }
  void wal_index_closed(const std::shared_ptr<db::Database>& database, db::Done done) override {
    peer_.wal_index_closed(database, std::move(done));
  }
  void unjournaled_changes(const std::shared_ptr<db::Database>& database) override {
    peer_.unjournaled_changes(database);
  }

 private:
  const cluster::Role& role_;
  peer::Peer& peer_;
};

}  // namespace skerry::app
