// Sends one response over a connection. Includes Beast: for this room's .cc files.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>

#include "daemon/net/http_message.h"
#include "daemon/net/pool_bridge.h"

namespace skerry::net {

class ResponseSender {
 public:
  // `piece_deadline`: for each piece of at most 64 KiB. The others outlive the sender.
  ResponseSender(boost::beast::tcp_stream& stream, PoolBridge& bridge,
                 std::chrono::milliseconds piece_deadline)
      : stream_(stream), bridge_(bridge), piece_deadline_(piece_deadline) {}

  struct Manner {
    bool head_only = false;
    bool http_1_1 = true;     // the client understands chunks
    bool keep_alive = false;  // as far as the request goes
  };
  // Returns whether the connection can go on.
  [[nodiscard]] boost::asio::awaitable<bool> send(Response& response, const HeaderList& common,
                                                  Manner manner);

 private:
  using Async = boost::asio::awaitable<bool>;
  [[nodiscard]] Async send_text(std::string_view text);
  [[nodiscard]] Async send_streamed(StreamedBody& body, Framing framing);
  [[nodiscard]] Async send_piece(std::string_view piece, Framing framing);
  [[nodiscard]] boost::asio::awaitable<void> send_live(LiveBody& live, Framing framing);

  boost::beast::tcp_stream& stream_;
  PoolBridge& bridge_;
  const std::chrono::milliseconds piece_deadline_;
};

}  // namespace skerry::net
