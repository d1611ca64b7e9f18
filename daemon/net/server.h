// The HTTP/1.1 server of a node: accepts on one listening socket, reads requests under deadlines
// and limits, has handlers answer them.
//
// A slow or hostile client costs its own connection and nothing else: every wait for it has a
// deadline, every buffer a bound, and beyond `connections_max` clients are turned away with 503.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "daemon/net/blocking_pool.h"
#include "daemon/net/io_threads.h"
#include "daemon/net/router.h"

namespace skerry::net {

class UpgradeHandler;  // upgrade.h: includes Beast
class TaskGroup;

struct ServerLimits {
  size_t connections_max = 512;
  size_t header_bytes_max = 16 << 10;
  // From the connection's start, or a request's first byte, to the end of its header.
  std::chrono::milliseconds header_deadline{10'000};
  std::chrono::milliseconds idle_deadline{60'000};  // between requests
  // For each piece of a body, of at most 64 KiB, either way.
  std::chrono::milliseconds piece_deadline{30'000};
};

struct ServerCounters {
  std::atomic<uint64_t> requests_1xx_3xx{0};  // by their answer
  std::atomic<uint64_t> requests_4xx{0};
  std::atomic<uint64_t> requests_5xx{0};
  std::atomic<uint64_t> turned_away{0};
};

class Server {
 public:
  // `name` is for the log ("node API"). The threads and the pool outlive the server.
  Server(std::string name, IoThreads& threads, BlockingPool& pool, ServerLimits limits = {});
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // All of these before start().
  [[nodiscard]] Router& router() { return router_; }
  // WebSocket requests for `path` go to `handler`, which outlives the server.
  void on_upgrade(const std::string& path, UpgradeHandler& handler) { upgrades_[path] = &handler; }
  // Asked first for every request, upgrades too, on io threads: a response refuses it.
  using Guard = std::function<std::optional<Response>(const Request&)>;
  void with_guard(Guard guard) { guard_ = std::move(guard); }
  // Headers of every reply; called on io threads.
  void with_headers(std::function<HeaderList()> headers) { common_headers_ = std::move(headers); }

  // Serves the listening socket, which is duplicated: the caller's stays open.
  [[nodiscard]] Status start(int listening_fd);

  // Accepts nothing more (the socket's queue is another process's from now on) and waits until the
  // requests that came are answered, at most `limit`. Live bodies and WebSockets go on. As stop().
  void drain(std::chrono::milliseconds limit);

  // Ends all connections and waits for handlers that still run. Not from an io or pool thread.
  void stop();

  [[nodiscard]] size_t connections() const;
  [[nodiscard]] const ServerCounters& counters() const { return counters_; }

 private:
  friend class Connection;
  friend class OnItsWay;
  struct Acceptor;
  void count(unsigned status);

  const std::string name_;
  IoThreads& threads_;
  BlockingPool& pool_;
  const ServerLimits limits_;
  Router router_;
  std::map<std::string, UpgradeHandler*> upgrades_;
  Guard guard_;
  std::function<HeaderList()> common_headers_;
  ServerCounters counters_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> draining_{false};
  std::mutex requests_mutex_;
  std::condition_variable none_left_;
  size_t requests_ = 0;  // on their way; guarded by requests_mutex_
  std::unique_ptr<TaskGroup> accepting_;
  std::unique_ptr<TaskGroup> connections_;
};

}  // namespace skerry::net
