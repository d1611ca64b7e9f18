// One hand-over of the primary to a node that was chosen: does what cluster::Handover says next.
//
// Threads: one, which it keeps for as long as it takes; it opens files in the own mount.
#pragma once

#include <atomic>
#include <memory>

#include "daemon/apply/writer_hold.h"
#include "daemon/app/node/proxy_view.h"
#include "daemon/cluster/handover.h"
#include "daemon/cluster/successor.h"
#include "proxy/proxy.h"

namespace skerry::app {

class HandoverRun {
 public:
  // All of it outlives the run.
  struct Parts {
    lease::Peer self;
    const cluster::Role& role;
    const cluster::ClusterId& cluster_id;
    lease::ConsulLeaser& leaser;
    store::Store& store;
    const peer::OwnMount& mount;
    db::KernelCache& cache;
    os::Clock& clock;
    ProxyView& proxy_view;
    proxy::Proxy* proxy;  // null: there is none
    const std::atomic<bool>& cancelled;
    std::string secret;  // the cluster's; empty: there is none
  };
  HandoverRun(const Parts& parts, lease::Peer target, const cluster::HandoverBounds& bounds);
  ~HandoverRun();

  // Returns once the lease is somebody else's, or this node goes on as before.
  void run();
  [[nodiscard]] const cluster::Handover& plan() const { return plan_; }
  // That the successor proved; empty before.
  [[nodiscard]] const cluster::Positions& positions() const { return positions_; }

 private:
  using Outcome = cluster::StepOutcome;
  using Ms = std::chrono::milliseconds;
  struct Offer;

  [[nodiscard]] Outcome perform(const cluster::Handover::Action& action);
  [[nodiscard]] Outcome ask(cluster::HandoverRequest::Kind kind, lease::Duration at_most);
  [[nodiscard]] Outcome hold_requests(lease::Duration at_most);
  [[nodiscard]] Outcome hold_writers(lease::Duration at_most);
  [[nodiscard]] Outcome yield(lease::Duration at_most);
  [[nodiscard]] Outcome grant(lease::Duration at_most);
  [[nodiscard]] Outcome await(lease::Duration at_most);
  [[nodiscard]] Outcome reclaim(lease::Duration at_most);
  [[nodiscard]] Outcome let_go();
  [[nodiscard]] Outcome holder() const;
  [[nodiscard]] Outcome post(std::string_view path, const std::string& body,
                             lease::Duration at_most);

  const Parts parts_;
  const lease::Peer target_;
  const Epoch epoch_;
  cluster::Handover plan_;
  apply::WriterHold writers_;
  cluster::Positions positions_;
  std::shared_ptr<Offer> offer_;  // shared with the lease's thread
};

}  // namespace skerry::app
