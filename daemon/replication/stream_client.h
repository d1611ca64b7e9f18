// The replica's end of its stream: connects to the primary, hands what comes to a Receiver, and
// comes back after every failure.
//
// Threads: follow() and unfollow() from any thread but an io or pool thread, one at a time; the
// rest from any. The stream lives on one io loop; applying runs on the pool.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/apply/applier.h"
#include "daemon/net/blocking_pool.h"
#include "daemon/net/io_threads.h"
#include "daemon/os/clock.h"
#include "daemon/replication/lag.h"
#include "daemon/replication/receiver.h"
#include "daemon/store/store.h"

namespace skerry::net {
class TaskGroup;
}

namespace skerry::replication {

class StreamClient {
 public:
  struct Parts {
    net::IoThreads& threads;
    net::BlockingPool& pool;
    apply::Applier& applier;
    store::Store& store;
    os::Clock& clock;
    ReceiverLog& log;
    std::chrono::nanoseconds reconnect_delay;  // the first one
    std::string secret{};                      // the cluster's; empty: there is none
  };
  // `settings` is asked before each attempt.
  using Settings = std::function<ReceiverSettings()>;
  // Called on a pool thread when a primary has said its welcome.
  using OnWelcome = std::function<Status(const Receiver::Primary&)>;
  // Called from any thread when connection, sync or lag may have changed.
  using OnChange = std::function<void()>;

  StreamClient(const Parts& parts, Settings settings, OnWelcome on_welcome, OnChange on_change);
  ~StreamClient();  // unfollow()

  // `url`: of the primary's node API, "http://host:port". Replaces the one that was followed.
  void follow(const std::string& url);
  // Returns once nothing is applied any more.
  void unfollow();

  struct State {
    bool connected = false;
    bool synced = false;   // everything that the primary had when the stream began is here
    std::string hostname;  // of the primary
    std::string url;
    int64_t since_ms = 0;
    uint64_t wire_bytes = 0;
    uint64_t page_bytes = 0;
    uint64_t transactions = 0;
    std::string last_error;  // why there is no stream
  };
  [[nodiscard]] State state() const;
  // Since this node's start, with this or an earlier primary.
  [[nodiscard]] bool was_synced() const { return was_synced_.load(std::memory_order_acquire); }
  [[nodiscard]] const Lag& lag() const { return lag_; }

 private:
  class Connection;

  const Parts parts_;
  const Settings settings_;
  const OnWelcome on_welcome_;
  const OnChange on_change_;
  Lag lag_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> was_synced_{false};
  mutable std::mutex mutex_;
  State state_;  // guarded by mutex_
  std::unique_ptr<net::TaskGroup> group_;
};

}  // namespace skerry::replication
