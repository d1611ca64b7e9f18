// From a connection's loop to the pool and back. Includes Beast: for this room's .cc files.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <functional>

#include "daemon/net/blocking_pool.h"

namespace skerry::net {

// The server stops: what this coroutine waits for was cancelled.
[[nodiscard]] boost::asio::awaitable<bool> is_stopping();

// On the loop of the stream. One run() at a time.
class PoolBridge {
 public:
  PoolBridge(BlockingPool& pool, boost::beast::tcp_stream& stream)
      : pool_(pool), stream_(stream), wake_(stream.get_executor()) {}

  // Has `work`, which must not throw, done by a pool thread, and returns after it. False: the pool
  // is full. When the server stops, the stream is closed, so that what the work waits for ends.
  [[nodiscard]] boost::asio::awaitable<bool> run(const std::function<void()>& work);

 private:
  BlockingPool& pool_;
  boost::beast::tcp_stream& stream_;
  boost::asio::steady_timer wake_;  // never expires by itself: cancelled to end the wait
  bool done_ = false;
};

}  // namespace skerry::net
