// A node of which only the lease is real: the leaser, and the two routes that its peers call.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "daemon/cluster/lease_routes.h"
#include "daemon/net/server.h"
#include "lease/consul_leaser.h"
#include "tests/support/listening_socket.h"

namespace skerry::test {

struct LeaseNodeOptions {
  std::string name;
  std::string consul_url;
  std::string key = "app/primary";
  bool candidate = true;
  lease::Standing standing{};
  std::optional<NodeId> predecessor{};
  Epoch seen{};
};

class LeaseNode final : public lease::NodeSide {
 public:
  explicit LeaseNode(const LeaseNodeOptions& options);
  ~LeaseNode() override;  // as a crash

  [[nodiscard]] lease::ConsulLeaser& leaser() { return *leaser_; }
  [[nodiscard]] bool may_write() const;  // now, by its clock
  [[nodiscard]] Epoch epoch() const { return leaser_->state().epoch; }
  [[nodiscard]] NodeId id() const { return id_; }
  [[nodiscard]] const std::string& cluster_id() const { return facts_.cluster_id; }
  void stand_at(const lease::Standing& standing);

  // Of NodeSide.
  lease::event::Facts facts() override;
  void persist(Epoch epoch, bool holder, Done done) override;
  void adopt_cluster_id(const std::string& id) override;
  void catch_up(const lease::Peer& from, Done done) override;
  void tell(std::string_view key, const std::string& message) override;

 private:
  const NodeId id_;
  const std::string name_;
  mutable std::mutex mutex_;
  lease::event::Facts facts_;  // guarded by mutex_
  std::atomic<lease::Duration> right_until_{lease::Duration{0}};
  ListeningSocket listening_;
  net::IoThreads io_{"io", 1};
  net::BlockingPool pool_{"pool", 1, 4};
  net::Server server_{"node API", io_, pool_};
  std::unique_ptr<lease::ConsulLeaser> leaser_;
};

}  // namespace skerry::test
