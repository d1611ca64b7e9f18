// The primary's end of all streams: accepts them at /skerry/stream and sends each replica what its
// Sender says.
//
// Threads: a stream lives on its connection's loop; what blocks runs on the pool. A stalled replica
// costs its own connection: it is disconnected after kSendDeadline.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/net/blocking_pool.h"
#include "daemon/net/upgrade.h"
#include "daemon/os/clock.h"
#include "daemon/replication/commit_feed.h"
#include "daemon/replication/sender.h"
#include "daemon/store/store.h"

namespace skerry::replication {

inline constexpr const char* kStreamPath = "/skerry/stream";
inline constexpr size_t kStreamsMax = 64;

// A connected replica, for status and metrics.
struct StreamInfo {
  NodeId node;
  std::string hostname;
  std::string region;
  std::string address;
  int64_t since_ms = 0;  // wall clock
  uint64_t wire_bytes = 0;
  uint64_t transactions = 0;
  std::map<std::string, Sender::Acknowledged> databases;
};

class StreamServer final : public net::UpgradeHandler {
 public:
  // Asked for each new stream: what to introduce this node as, or why it serves none: it is no
  // primary, which does not matter to one that `catches_up`.
  using Self = std::function<Result<StreamSelf>(bool catches_up)>;

  StreamServer(store::Store& store, CommitFeed& feed, net::BlockingPool& pool, os::Clock& clock,
               Self self);
  ~StreamServer() override;

  boost::asio::awaitable<void> serve(net::Upgrade& upgrade) override;

  // Ends every stream: its welcome named a role or an epoch that this node has no longer.
  void end_all();

  [[nodiscard]] std::vector<StreamInfo> streams() const;
  // How many replicas have all of these positions, and durably.
  [[nodiscard]] unsigned holding(const std::vector<std::pair<std::string, Position>>& positions,
                                 bool durably) const;
  // Called, from any thread, when acknowledgements move; set before the first stream.
  void on_acknowledged(std::function<void()> moved) { acknowledged_ = std::move(moved); }
  [[nodiscard]] uint64_t wire_bytes() const { return wire_bytes_.load(std::memory_order_relaxed); }

 private:
  class Stream;

  store::Store& store_;
  CommitFeed& feed_;
  net::BlockingPool& pool_;
  os::Clock& clock_;
  const Self self_;
  std::function<void()> acknowledged_;
  std::atomic<uint64_t> wire_bytes_{0};
  mutable std::mutex mutex_;
  std::list<Stream*> streams_;  // guarded by mutex_
};

}  // namespace skerry::replication
