#include "daemon/net/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <future>

#include "daemon/log/log.h"
#include "daemon/net/pool_bridge.h"
#include "daemon/net/response_sender.h"
#include "daemon/net/server.h"
#include "daemon/net/upgrade.h"

namespace skerry::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr size_t kPieceBytes = 64 << 10;
// After an answer to a request that was not read to its end: how long its rest is taken in, so that
// the client gets to read the answer before the connection breaks.
constexpr std::chrono::milliseconds kLinger{5'000};

std::string address_of(const tcp::socket& socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  return error ? "" : fmt::format("{}:{}", peer.address().to_string(), peer.port());
}

Error body_error(error_code error) {
  if (error == beast::error::timeout) {
    return {Errc::kTimeout, "the client stopped sending in the middle of the request"};
  }
  if (error == asio::error::operation_aborted) return {Errc::kCancelled, "the node is stopping"};
  return {Errc::kInvalid, "reading the request: " + error.message()};
}

Response body_too_long() {
  return text_response(
      413, fmt::format("the request's body is longer than {} bytes\n", kSmallBodyBytesMax));
}

}  // namespace

class Connection {
 public:
  Connection(Server& server, tcp::socket socket, OnItsWay first_request)
      : server_(server),
        newcomer_(std::move(first_request)),
        peer_(address_of(socket)),
        stream_(std::move(socket)),
        buffer_(server.limits_.header_bytes_max + kPieceBytes),
        bridge_(server.pool_, stream_) {}

  asio::awaitable<void> run();

 private:
  using Parser = http::request_parser<http::buffer_body>;
  class PulledBody;

  // Each returns whether the connection can go on.
  asio::awaitable<bool> serve_one();
  asio::awaitable<bool> await_request();
  asio::awaitable<bool> refuse_header(error_code error);
  asio::awaitable<bool> dispatch(Request& request);
  asio::awaitable<bool> send(Response& response, bool head_only);

  asio::awaitable<void> upgrade(UpgradeHandler& handler, Target target);
  asio::awaitable<Response> answer_quickly(const Router::Route& route, Request& request);
  asio::awaitable<Response> answer_on_pool(const Router::Route& route, Request& request);
  asio::awaitable<std::expected<std::string, Response>> read_small_body();
  asio::awaitable<void> linger();

  Request request_of(const Target& target) const;
  void say_continue();
  void begin_read(ByteSpan into, std::function<void(error_code)> done);

  Server& server_;
  std::optional<OnItsWay> newcomer_;  // until its first request is there
  const std::string peer_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  PoolBridge bridge_;
  bool first_ = true;
  bool continue_expected_ = false;
};

// --- Reading -------------------------------------------------------------------------------------

asio::awaitable<void> Connection::run() {
  // A stop ends what is waited for, by an error as any other.
  co_await asio::this_coro::throw_if_cancelled(false);
  while (co_await serve_one()) {
    if (co_await is_stopping()) break;
  }
  if (parser_ && !parser_->is_done() && !server_.stopping_) co_await linger();
  error_code ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
  stream_.close();
}

asio::awaitable<bool> Connection::serve_one() {
  parser_.reset();
  if (!co_await await_request()) co_return false;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(server_.limits_.header_bytes_max));
  parser_->body_limit(boost::none);  // bounded by whoever reads it
  stream_.expires_after(server_.limits_.header_deadline);
  error_code error;
  co_await http::async_read_header(stream_, buffer_, *parser_,
                                   asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return co_await refuse_header(error);
  continue_expected_ = beast::iequals(parser_->get()[http::field::expect], "100-continue");
  auto target = parse_target(parser_->get().target());
  if (!target) {
    Response response = error_response(target.error());
    co_return co_await send(response, false);
  }
  Request request = request_of(*target);
  if (server_.guard_) {
    auto refusal = server_.guard_(request);
    if (refusal) {
      server_.count(refusal->status);
      co_return co_await send(*refusal, false);
    }
  }
  const auto upgrade_to = server_.upgrades_.find(target->path);
  if (upgrade_to != server_.upgrades_.end()) {
    co_await upgrade(*upgrade_to->second, *std::move(target));
    co_return false;
  }
  co_return co_await dispatch(request);
}

asio::awaitable<bool> Connection::await_request() {
  const auto deadline = std::exchange(first_, false) ? server_.limits_.header_deadline
                                                     : server_.limits_.idle_deadline;
  if (buffer_.size() > 0) co_return true;
  constexpr size_t kFirstBytes = 4096;
  stream_.expires_after(deadline);
  error_code error;
  const size_t n = co_await stream_.async_read_some(
      buffer_.prepare(kFirstBytes), asio::redirect_error(asio::use_awaitable, error));
  buffer_.commit(n);
  co_return !error;
}

asio::awaitable<bool> Connection::refuse_header(error_code error) {
  Response response;
  if (error == http::error::header_limit) {
    response = text_response(431, fmt::format("the request's header is longer than {} bytes\n",
                                              server_.limits_.header_bytes_max));
  } else if (error.category() == http::make_error_code(http::error::bad_method).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message) {
    response = text_response(400, "this is not a request of HTTP/1.1: " + error.message() + "\n");
  } else {
    parser_.reset();  // the client is gone, or was too slow
    co_return false;
  }
  (void)co_await send(response, false);
  co_return false;
}

Request Connection::request_of(const Target& target) const {
  Request request;
  const auto& message = parser_->get();
  request.method = std::string(message.method_string());
  request.path = target.path;
  request.query = target.query;
  request.peer = peer_;
  request.stopping = &server_.stopping_;
  for (const auto& field : message) {
    request.headers.add(std::string(field.name_string()), std::string(field.value()));
  }
  if (const auto bytes = parser_->content_length()) request.body_bytes = *bytes;
  return request;
}

void Connection::say_continue() {
  if (!std::exchange(continue_expected_, false)) return;
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  // Nothing else is on its way to this client, so that it always fits.
  (void)::send(stream_.socket().native_handle(), kContinue.data(), kContinue.size(),
               MSG_DONTWAIT | MSG_NOSIGNAL);
}

asio::awaitable<std::expected<std::string, Response>> Connection::read_small_body() {
  if (parser_->is_done()) co_return std::string();
  const auto length = parser_->content_length();
  if (length && *length > kSmallBodyBytesMax) {
    co_return std::unexpected(body_too_long());
  }
  std::string body(length ? *length : kSmallBodyBytesMax, '\0');
  say_continue();
  parser_->get().body().data = body.data();
  parser_->get().body().size = body.size();
  stream_.expires_after(server_.limits_.piece_deadline);
  error_code error;
  co_await http::async_read(stream_, buffer_, *parser_,
                            asio::redirect_error(asio::use_awaitable, error));
  if (error == http::error::need_buffer) {
    co_return std::unexpected(body_too_long());
  }
  if (error) co_return std::unexpected(error_response(body_error(error)));
  body.resize(body.size() - parser_->get().body().size);
  co_return body;
}

// The body for a handler on a pool thread: each read is done by the connection's loop meanwhile.
class Connection::PulledBody final : public ltx::ByteSource {
 public:
  explicit PulledBody(Connection& connection) : connection_(connection) {}

  Result<size_t> read(ByteSpan into) override {
    if (connection_.parser_->is_done() || into.empty()) return size_t{0};
    into = into.first(std::min(into.size(), kPieceBytes));
    const auto promise = std::make_shared<std::promise<error_code>>();
    std::future<error_code> outcome = promise->get_future();
    asio::post(connection_.stream_.get_executor(), [this, into, promise] {
      connection_.begin_read(into, [promise](error_code error) { promise->set_value(error); });
    });
    const error_code error = outcome.get();
    if (error && error != http::error::need_buffer) return std::unexpected(body_error(error));
    return into.size() - connection_.parser_->get().body().size;
  }

 private:
  Connection& connection_;
};

void Connection::begin_read(ByteSpan into, std::function<void(error_code)> done) {
  say_continue();
  parser_->get().body().data = into.data();
  parser_->get().body().size = into.size();
  stream_.expires_after(server_.limits_.piece_deadline);
  http::async_read(stream_, buffer_, *parser_,
                   [done = std::move(done)](error_code error, size_t) { done(error); });
}

// --- Answering -----------------------------------------------------------------------------------

asio::awaitable<bool> Connection::dispatch(Request& request) {
  // Until its answer is sent; a live body is an answer from its beginning on.
  std::optional<OnItsWay> on_its_way(std::in_place, server_);
  newcomer_.reset();
  const bool head_only = request.method == "HEAD";
  const auto began = std::chrono::steady_clock::now();
  const Router::Route* route = server_.router_.find(request.path, request.method);
  Response response;
  if (route == nullptr) {
    response = server_.router_.refusal(request.path);
  } else if (route->runs_on == RunsOn::kIoThread) {
    response = co_await answer_quickly(*route, request);
  } else {
    response = co_await answer_on_pool(*route, request);
  }
  server_.count(response.status);
  if (log::enabled(log::Level::kDebug)) {
    const auto took = std::chrono::steady_clock::now() - began;
    log::debug("http", request.method + " " + request.path,
               {{"status", response.status},
                {"peer", peer_},
                {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
  }
  if (std::holds_alternative<std::unique_ptr<LiveBody>>(response.body)) on_its_way.reset();
  co_return co_await send(response, head_only);
}

static Response called(const Handler& handler, Request& request) {
  try {
    return handler(request);
  } catch (const std::exception& error) {  // a bug
    log::error("http-exception", error.what(), {{"path", request.path}});
    return text_response(500, "internal error; see the node's log\n");
  }
}

asio::awaitable<Response> Connection::answer_quickly(const Router::Route& route, Request& request) {
  auto body = co_await read_small_body();
  if (!body) co_return std::move(body).error();
  ltx::MemorySource source(as_bytes(*body));
  request.body = &source;
  co_return called(route.handler, request);
}

asio::awaitable<Response> Connection::answer_on_pool(const Router::Route& route, Request& request) {
  PulledBody body(*this);
  request.body = &body;
  Response response;
  const std::function<void()> work = [&] { response = called(route.handler, request); };
  if (!co_await bridge_.run(work)) {
    co_return text_response(503, "the node is busy; try again in a moment\n");
  }
  co_return response;
}

asio::awaitable<void> Connection::upgrade(UpgradeHandler& handler, Target target) {
  http::token_list protocols(parser_->get()[http::field::upgrade]);
  if (!protocols.exists("websocket")) {
    Response response = text_response(426, "this is for WebSocket connections\n");
    response.headers.set("Upgrade", "websocket");
    (void)co_await send(response, false);
    co_return;
  }
  server_.count(101);
  newcomer_.reset();
  stream_.expires_never();
  Upgrade upgrade{stream_, http::request<http::empty_body>(std::move(parser_->get().base())),
                  buffer_, std::move(target),
                  peer_,   server_.common_headers_ ? server_.common_headers_() : HeaderList()};
  parser_.reset();
  co_await handler.serve(upgrade);
}

asio::awaitable<bool> Connection::send(Response& response, bool head_only) {
  ResponseSender::Manner manner;
  manner.head_only = head_only;
  manner.http_1_1 = parser_->is_header_done() && parser_->get().version() >= 11;
  manner.keep_alive = parser_->is_done() && parser_->get().keep_alive() && !server_.draining_;
  const HeaderList common = server_.common_headers_ ? server_.common_headers_() : HeaderList();
  ResponseSender sender(stream_, bridge_, server_.limits_.piece_deadline);
  co_return co_await sender.send(response, common, manner);
}

asio::awaitable<void> Connection::linger() {
  error_code error;
  stream_.socket().shutdown(tcp::socket::shutdown_send, error);
  std::array<std::byte, 4096> rest;
  stream_.expires_after(kLinger);
  while (!error) {
    co_await stream_.async_read_some(asio::buffer(rest),
                                     asio::redirect_error(asio::use_awaitable, error));
  }
}

asio::awaitable<void> serve_connection(Server& server, tcp::socket socket, OnItsWay first_request) {
  Connection connection(server, std::move(socket), std::move(first_request));
  co_await connection.run();
}

}  // namespace skerry::net
