// A connection that leaves HTTP for WebSocket. Includes Beast: for .cc files of this room only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "daemon/net/http_message.h"

namespace skerry::net {

struct Upgrade {
  boost::beast::tcp_stream& stream;  // no deadline is set; its executor is the connection's loop
  // For websocket::stream::async_accept.
  boost::beast::http::request<boost::beast::http::empty_body> request;
  // What the client sent behind the request: give it to async_accept's buffer overload if not
  // empty.
  boost::beast::flat_buffer& behind_request;
  Target target;      // the request's, decoded
  std::string peer;   // the client's address and port
  HeaderList common;  // headers of every reply
};

class UpgradeHandler {
 public:
  virtual ~UpgradeHandler() = default;
  // Runs on the connection's loop and has the stream for itself; the connection ends with it. When
  // the server stops, what it waits for is cancelled (operation_aborted): it then has to end.
  virtual boost::asio::awaitable<void> serve(Upgrade& upgrade) = 0;
};

}  // namespace skerry::net
