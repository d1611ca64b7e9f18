// A running node: constructs every part, starts them in order, stops them in the reverse.
#pragma once

#include <memory>

#include "daemon/app/node/keeper_channel.h"
#include "daemon/app/node/kernel_cache.h"
#include "daemon/app/node/mount_log.h"
#include "daemon/app/node/node_files.h"
#include "daemon/cluster/write_gate.h"
#include "daemon/config/config.h"
#include "daemon/os/posix_file_system.h"

namespace skerry::app {

class Node {
 public:
  Node(const config::Config& config, bool successor);
  ~Node();

  // Serves until the keeper says otherwise; returns the process's exit code.
  int run();

 private:
  class NullListener final : public db::CommitListener {
   public:
    void committed(db::Database&, const db::Transaction&) override {}
  };

  [[nodiscard]] Status start();
  [[nodiscard]] Status start_mount();
  void report_recovery() const;
  int stop();

  const config::Config& config_;
  const bool successor_;
  KeeperChannel keeper_;
  os::PosixFileSystem fs_;
  os::SystemClock clock_;
  MountLog mount_log_;
  cluster::Role role_;
  cluster::WriteGate gate_;
  NullListener listener_;
  MountCache cache_;
  RoleFiles role_files_;
  peer::Peer peer_;
  MountHooks hooks_;
  std::unique_ptr<lease::Leaser> leaser_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<fusefs::Directory> directory_;
  std::unique_ptr<fusefs::Session> session_;
  std::unique_ptr<fusefs::Notifier> notifier_;
};

}  // namespace skerry::app
