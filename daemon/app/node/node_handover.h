// Planned changes of the primary, from this node's side: asked for by an operator, by another node
// that wants to be the primary, or by this node's own end. A replica passes the wish on to its
// primary, which does it (handover_run.h).
//
// Threads: pool threads, and the main thread for before_the_end(); they wait as long as it takes.
// One hand-over at a time.
#pragma once

#include <mutex>

#include "daemon/app/node/handover_run.h"
#include "daemon/app/node/node_lease.h"
#include "daemon/app/node/node_streams.h"
#include "daemon/cluster/candidates.h"

namespace skerry::app {

inline constexpr lease::Duration kFailoverTimeoutMax = std::chrono::minutes(1);

// What somebody wants.
struct FailoverWish {
  std::string to;  // see cluster::choose()
  lease::Duration timeout = std::chrono::seconds(10);
  bool dry_run = false;
};

// What came of it.
struct FailoverReport {
  std::string from;
  bool dry_run = false;
  std::vector<cluster::Candidate> candidates;
  std::optional<cluster::Candidate> target;  // nothing: none could be chosen
  bool handed_over = false;
  std::optional<Error> error;  // why not
  cluster::Positions positions;
  lease::Duration pause{0};
  std::vector<cluster::Handover::Timing> timings;
};
[[nodiscard]] std::string to_json(const FailoverReport& report);
// The reason in such a text, or its first line if it is none.
[[nodiscard]] std::string error_of_report(const std::string& text);

class NodeHandover {
 public:
  // All of it outlives this.
  struct Parts {
    const config::Config& config;
    NodeId id;
    const cluster::Role& role;
    const cluster::ClusterId& cluster_id;
    store::Store& store;
    const peer::OwnMount& mount;
    db::KernelCache& cache;
    os::Clock& clock;
    const NodeStreams& streams;
    lease::ConsulLeaser* leaser;  // null: the lease is static
    ProxyView& proxy_view;
    proxy::Proxy* proxy;  // null: there is none
  };
  explicit NodeHandover(const Parts& parts);

  // POST /skerry/failover, and what a successor is asked. Before the server starts.
  void add_routes(net::Router& router);

  // On the primary.
  [[nodiscard]] FailoverReport hand_over(const FailoverWish& wish);
  // Makes this node, or the node of that id, the primary. kUnsupported: the lease is static.
  [[nodiscard]] Status promote();
  [[nodiscard]] Status hand_off_to(NodeId node);
  // This node is about to end: hands over to whoever is in step, if it is the primary; true if
  // another node is, then. Takes at most kFarewellBound, and there is no other hand-over afterwards.
  bool before_the_end();
  static constexpr lease::Duration kFarewellBound = std::chrono::milliseconds(2'300);

 private:
  [[nodiscard]] std::vector<cluster::Candidate> candidates() const;
  [[nodiscard]] FailoverReport begin(const FailoverWish& wish) const;
  [[nodiscard]] FailoverReport begin_patiently(const FailoverWish& wish) const;
  void run(FailoverReport& report, const cluster::HandoverBounds& bounds);
  [[nodiscard]] net::Response post_failover(const net::Request& request);
  [[nodiscard]] net::Response pass_on(const FailoverWish& wish) const;
  [[nodiscard]] Result<net::Response> ask_primary(const FailoverWish& wish) const;

  const Parts parts_;
  std::optional<cluster::Successor> successor_;
  std::atomic<bool> ending_{false};
  std::timed_mutex turn_;    // one hand-over at a time
  std::mutex promote_turn_;  // … and one wish of this node's own
};

}  // namespace skerry::app
