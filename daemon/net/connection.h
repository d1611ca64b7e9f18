// One client's connection, from its acceptance to its end. Includes Asio: for this room's .cc
// files.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <utility>

namespace skerry::net {

class Server;

// A request that a drain has to wait for, as long as this exists.
class OnItsWay {
 public:
  explicit OnItsWay(Server& server);
  OnItsWay(OnItsWay&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}
  OnItsWay& operator=(OnItsWay&&) = delete;
  ~OnItsWay();

 private:
  Server* server_;
};

[[nodiscard]] boost::asio::awaitable<void> serve_connection(Server& server,
                                                            boost::asio::ip::tcp::socket socket,
                                                            OnItsWay first_request);

}  // namespace skerry::net
