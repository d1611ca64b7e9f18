// The lease in Consul: one thread that feeds the election what Consul, the peers and the node say,
// and does what it decides.
//
// Threads: every method may be called from any thread, and returns at once unless it says
// otherwise. The observer and the callbacks run on the lease's thread, which must not be kept:
// every renewal of the lease waits for it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "lease/curl_client.h"
#include "lease/election.h"
#include "lease/peer_wire.h"

namespace skerry::lease {

// What the lease asks of its node; it outlives the leaser. Called on the lease's thread: whatever
// may block goes to another thread and reports back from there.
class NodeSide {
 public:
  using Done = std::move_only_function<void(bool ok)>;

  virtual ~NodeSide() = default;
  // As of lately.
  [[nodiscard]] virtual event::Facts facts() = 0;
  // The epoch on disk; `holder`: as the one that this process took the lease with.
  virtual void persist(Epoch epoch, bool holder, Done done) = 0;
  virtual void adopt_cluster_id(const std::string& id) = 0;
  // Gets what the peer has; called back within kCatchUpBound.
  virtual void catch_up(const Peer& from, Done done) = 0;
  // Something about the lease that the log should say, once each time that it changes.
  virtual void tell(std::string_view key, const std::string& message) = 0;
};

struct ConsulOptions {
  ConsulPlace place;
  Duration lock_delay = std::chrono::seconds(1);
  Tls tls{};
  Settings election{};
};

class ConsulLeaser final : public Leaser {
 public:
  using Offered = std::move_only_function<void(const action::Offer&)>;

  [[nodiscard]] static Result<std::unique_ptr<ConsulLeaser>> open(ConsulOptions options,
                                                                  NodeSide& node);
  ~ConsulLeaser() override;  // as a crash would: the lease stays until somebody takes it

  void start(Observer observer) override;
  // Gives the lease back and leaves; waits at most kLeaveBound for it.
  void stop() override;

  [[nodiscard]] LeaseState state() const;
  // What this node answers peers.
  [[nodiscard]] PeerReport report() const;
  // The nodes that Consul knew of at the last look; empty before the first.
  [[nodiscard]] std::vector<NodeEntry> nodes() const;
  // Whether this node promises; decided in microseconds.
  [[nodiscard]] bool promise(const PromiseRequest& request);

  // A planned change, at the old primary: the right ends now, and `offered` is told how the
  // successor may take the lease. It is this node's again by reclaim(), or by itself after a while.
  void yield(Offered offered);
  void reclaim();
  // … and at the successor. Without indices: they are about to come, so that what takes time can
  // begin.
  void granted(const event::Granted& granted);
  // An operator insists that this node stands.
  void force();
  // The node's facts have changed: look at them now.
  void wake();

  // Waits until `is_it` holds of the state, as the observer was told; false if it does not by then.
  bool wait_for(const std::function<bool(const LeaseState&)>& is_it, Duration at_most) const;

 private:
  ConsulLeaser(ConsulOptions options, NodeSide& node, std::unique_ptr<CurlClient> curl);

  // Events are answers to what was asked, and commands: their number is bounded by those.
  void post(Event event);
  void run();
  [[nodiscard]] std::optional<Event> next();
  [[nodiscard]] Time next_wake() const;
  void deliver(const Event& event);
  void feed(const Event& event);
  void publish();
  void end_thread();

  void perform(const action::Look& look);
  void perform(const action::MakeSession&);
  void perform(const action::Renew& renew);
  void perform(const action::DestroySession& destroy);
  void perform(const action::Write& write);
  void perform(const action::AskPeers& ask);
  void perform(const action::AskPromises& ask);
  void perform(const action::AnswerPromise&) {}  // promise() has taken it
  void perform(const action::CatchUp& catch_up);
  void perform(const action::Persist& persist);
  void perform(const action::AdoptClusterId& adopt);
  void perform(const action::Offer& offer);
  void register_node(std::move_only_function<void()> then);
  CurlClient::CallId call_consul(HttpRequest request, Duration deadline, CurlClient::Done done);
  void call_peer(const Peer& peer, HttpRequest request, Duration deadline, CurlClient::Done done);

  const ConsulOptions options_;
  NodeSide& node_;
  const std::unique_ptr<CurlClient> curl_;
  Observer observer_;
  std::thread thread_;

  mutable std::mutex election_mutex_;
  Election election_;         // guarded by election_mutex_
  std::deque<Action> to_do_;  // guarded by election_mutex_

  // Of the lease's thread.
  CurlClient::CallId look_call_ = 0;
  bool node_registered_ = false;
  Offered offered_;

  std::atomic<bool> woken_{false};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Event> inbox_;  // guarded by mutex_
  Offered new_offered_;      // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  LeaseState state_;         // guarded by mutex_
};

inline constexpr Duration kLeaveBound = std::chrono::seconds(2);

}  // namespace skerry::lease
