// The proxy in front of the application: accepts clients' connections and serves them on threads of
// its own. ROUTING.md says where requests go, PROTOCOL.md what they carry.
//
// Threads: any may call; no method blocks but stop() and drain(), and writes_under_way() for a turn
// of each event loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/os/fd.h"
#include "ltx/base/result.h"
#include "proxy/metrics.h"
#include "proxy/node_view.h"
#include "proxy/settings.h"

namespace skerry::proxy {

class Acceptor;
class HoldBudget;
class Resolver;
class Worker;
struct Shared;

class Proxy {
 public:
  // `listener` listens already and stays the caller's; the node outlives the proxy. It may be
  // started before the node is ready: requests are held then.
  [[nodiscard]] static Result<std::unique_ptr<Proxy>> start(Settings settings, NodeView& node,
                                                            int listener);
  ~Proxy();  // stop()

  // The application is about to be stopped and may wait for its idle connections to be closed.
  void application_stops();

  // Accepts no more (the listener's queue is for a successor), ends connections after the response
  // that is under way, and waits for that, at most for `limit`.
  void drain(Ms limit);

  // Cuts what is left.
  void stop();

  // Writes that the application here has not answered yet. Whatever the node said before this call
  // has been heard when it counts.
  [[nodiscard]] uint64_t writes_under_way() const;

  [[nodiscard]] Metrics metrics() const;
  [[nodiscard]] const Settings& settings() const { return settings_; }

 private:
  Proxy(Settings settings, NodeView& node);
  [[nodiscard]] Status open(int listener);
  void adopt(os::Fd fd, std::string address);
  void client_gone();

  const Settings settings_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<HoldBudget> holds_;
  std::atomic<size_t> clients_{0};
  std::mutex mutex_;
  std::condition_variable no_clients_;  // may be true
  bool stopped_ = false;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace skerry::proxy
