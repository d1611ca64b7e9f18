#include "daemon/replication/stream_client.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <random>

#include "daemon/log/log.h"
#include "daemon/net/pool_bridge.h"
#include "daemon/net/proven_call.h"
#include "daemon/net/task_group.h"
#include "daemon/replication/backoff.h"
#include "daemon/replication/stream_server.h"

namespace skerry::replication {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kReconnectMax{10};
// The first attempts to follow another node.
constexpr int kQuickAttempts = 5;
constexpr std::chrono::milliseconds kQuickPause{20};
constexpr std::chrono::seconds kSilenceMax = kHeartbeatEvery * kHeartbeatsMissedMax;

struct Endpoint {
  std::string host;
  std::string port;
};

// "http://host:port[/]", as advertise-url has it.
Result<Endpoint> endpoint_of(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) {
    return fail(Errc::kUnsupported,
                fmt::format("the primary's advertise-url {} does not begin with http://; streams "
                            "over TLS are not supported",
                            url));
  }
  std::string rest = url.substr(kScheme.size());
  rest = rest.substr(0, rest.find('/'));
  const size_t bracket = rest.find(']');
  const size_t colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
  Endpoint endpoint{rest.substr(0, colon),
                    colon == std::string::npos ? "80" : rest.substr(colon + 1)};
  if (endpoint.host.starts_with('[') && endpoint.host.ends_with(']')) {
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  }
  if (endpoint.host.empty()) return fail(Errc::kInvalid, fmt::format("no host in \"{}\"", url));
  return endpoint;
}

}  // namespace

// One follow(): connects again and again until it is cancelled. Lives in its own coroutine's frame.
class StreamClient::Connection {
 public:
  Connection(StreamClient& client, std::string url)
      : client_(client), url_(std::move(url)), random_(std::random_device{}()) {}

  static asio::awaitable<void> follow(StreamClient& client, std::string url) {
    Connection connection(client, std::move(url));
    co_await connection.run();
  }

 private:
  using Async = asio::awaitable<Status>;
  using Socket = websocket::stream<beast::tcp_stream>;
  asio::awaitable<void> run();
  Async attempt();
  Async prove(Socket& socket);
  Async connect(Socket& socket, const Endpoint& endpoint);
  Async converse(Socket& socket);
  Async read(Socket& socket);
  Async write(Socket& socket, Bytes& message);
  Async flush(Socket& socket);
  Async receive_all(Socket& socket);
  Async make_durable(Socket& socket);
  asio::awaitable<void> receiver_task(Socket& socket, Status& status);
  asio::awaitable<void> durable_task(Socket& socket, Status& status);
  [[nodiscard]] Status process(Bytes& reply);
  void note(bool connected, const Status& why);
  void progress();

  StreamClient& client_;
  const std::string url_;
  std::minstd_rand random_;
  beast::flat_buffer buffer_{kMessageBytesMax};
  std::unique_ptr<Receiver> receiver_;
  std::string proof_;  // header of the next handshake; empty without a secret
  uint64_t wire_bytes_ = 0;
  bool welcomed_ = false;
  bool reported_ = false;  // this failure is in the log already
  bool ended_ = false;     // this attempt
  Bytes outbox_;
  bool writing_ = false;
  // While there is an attempt: cancelled when there is something to make durable, and at its end.
  std::optional<asio::steady_timer> undurable_;
  std::optional<asio::steady_timer> pause_;  // cancelled at its end
};

asio::awaitable<void> StreamClient::Connection::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto executor = co_await asio::this_coro::executor;
  Backoff backoff(client_.parts_.reconnect_delay, kReconnectMax);
  asio::steady_timer pause(executor);
  bool ever_welcomed = false;
  int quick_attempts = 0;
  while (!co_await net::is_stopping()) {
    welcomed_ = false;
    const Status ended = co_await attempt();
    receiver_.reset();
    if (co_await net::is_stopping()) break;
    note(false, ended);
    if (welcomed_) {
      ever_welcomed = true;
      backoff.reset();
      reported_ = false;
    }
    if (!reported_) {
      log::warn("stream-lost", ended ? "the primary closed the stream" : ended.error().message(),
                {{"primary", url_}});
    }
    reported_ = true;
    // Who has just become the primary may need a moment before it serves.
    const bool soon = !ever_welcomed && quick_attempts++ < kQuickAttempts;
    pause.expires_after(soon ? kQuickPause : backoff.next(static_cast<uint32_t>(random_())));
    error_code ignored;
    auto done = asio::redirect_error(asio::use_awaitable, ignored);
    co_await pause.async_wait(done);
  }
  note(false, Status{});
}

StreamClient::Connection::Async StreamClient::Connection::attempt() {
  const auto endpoint = endpoint_of(url_);
  if (!endpoint) co_return std::unexpected(endpoint.error());
  const auto executor = co_await asio::this_coro::executor;
  Socket socket(executor);
  const Status proven = co_await prove(socket);
  if (!proven) co_return proven;
  const Status connected = co_await connect(socket, *endpoint);
  if (!connected) co_return connected;
  const ReceiverSettings settings = client_.settings_();
  const StreamClient::Parts& parts = client_.parts_;
  receiver_ = std::make_unique<Receiver>(parts.applier, parts.store, client_.lag_, parts.clock,
                                         parts.log, client_.stopping_, settings);
  const Status ended = co_await converse(socket);
  beast::get_lowest_layer(socket).close();
  buffer_.clear();
  co_return ended;
}

// Both sides' proof that they know the cluster's secret.
StreamClient::Connection::Async StreamClient::Connection::prove(Socket& socket) {
  proof_.clear();
  const std::string& secret = client_.parts_.secret;
  if (secret.empty()) co_return Status{};
  net::PoolBridge bridge(client_.parts_.pool, beast::get_lowest_layer(socket));
  Status status;
  const std::function<void()> work = [&] {
    auto header =
        net::prove_call(secret, "GET", net::make_url(url_, kStreamPath), net::digest_of({}));
    if (header) {
      proof_ = *std::move(header);
    } else {
      status = std::unexpected(std::move(header).error());
    }
  };
  const bool ran = co_await bridge.run(work);
  if (!ran) co_return fail(Errc::kCancelled, "this node is busy or ends");
  co_return status;
}

StreamClient::Connection::Async StreamClient::Connection::connect(Socket& socket,
                                                                  const Endpoint& endpoint) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  error_code error;
  auto done = asio::redirect_error(asio::use_awaitable, error);
  const auto found = co_await resolver.async_resolve(endpoint.host, endpoint.port, done);
  if (error) {
    co_return fail(Errc::kUnavailable,
                   fmt::format("resolving {} of the primary's advertise-url: {}", endpoint.host,
                               error.message()));
  }
  beast::tcp_stream& stream = beast::get_lowest_layer(socket);
  stream.expires_after(kHandshakeDeadline);
  co_await stream.async_connect(found, done);
  if (error) {
    co_return fail(Errc::kUnavailable,
                   fmt::format("connecting to the primary at {}: {}", url_, error.message()));
  }
  const int on = 1;
  (void)::setsockopt(stream.socket().native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  socket.set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                    websocket::stream_base::none(), false});
  socket.binary(true);
  socket.auto_fragment(false);
  socket.read_message_max(kMessageBytesMax);
  const std::string host = endpoint.host + ":" + endpoint.port;
  const std::string path = kStreamPath;
  if (!proof_.empty()) {
    socket.set_option(
        websocket::stream_base::decorator([proof = proof_](websocket::request_type& request) {
          request.set(net::kProofHeader, proof);
        }));
  }
  websocket::response_type answer;
  co_await socket.async_handshake(answer, host, path, done);
  if (error == websocket::error::upgrade_declined && answer.result_int() == 403) {
    const char* why = proof_.empty() ? "it asks for a proof of cluster.secret, and this node has "
                                       "none: set the same on all nodes"
                                     : "the proof of cluster.secret came too late or twice";
    co_return fail(Errc::kDenied, fmt::format("{} refuses this node's stream: {}", url_, why));
  }
  if (error) {
    co_return fail(Errc::kUnavailable,
                   fmt::format("{} does not serve streams: {}", url_, error.message()));
  }
  co_return Status{};
}

// Two tasks on one loop: one applies what comes, one makes durable what was applied.
StreamClient::Connection::Async StreamClient::Connection::converse(Socket& socket) {
  using namespace asio::experimental::awaitable_operators;
  undurable_.emplace(co_await asio::this_coro::executor);
  pause_.emplace(co_await asio::this_coro::executor);
  ended_ = false;
  outbox_.clear();
  writing_ = false;
  Status received;
  Status made_durable;
  co_await (receiver_task(socket, received) && durable_task(socket, made_durable));
  co_return received ? made_durable : received;
}

asio::awaitable<void> StreamClient::Connection::receiver_task(Socket& socket, Status& status) {
  co_await asio::this_coro::throw_if_cancelled(false);
  status = co_await receive_all(socket);
  ended_ = true;
  beast::get_lowest_layer(socket).close();
  undurable_->cancel();
  pause_->cancel();
}

asio::awaitable<void> StreamClient::Connection::durable_task(Socket& socket, Status& status) {
  co_await asio::this_coro::throw_if_cancelled(false);
  status = co_await make_durable(socket);
  if (!status) beast::get_lowest_layer(socket).close();
}

StreamClient::Connection::Async StreamClient::Connection::receive_all(Socket& socket) {
  net::PoolBridge bridge(client_.parts_.pool, beast::get_lowest_layer(socket));
  Bytes reply;
  Status status;
  const std::function<void()> hello = [&] { receiver_->hello(reply); };
  const std::function<void()> work = [&] { status = process(reply); };
  bool ran = co_await bridge.run(hello);
  while (ran && !co_await net::is_stopping()) {
    append(outbox_, reply);
    reply.clear();
    const Status sent = co_await flush(socket);
    if (!sent) co_return sent;
    const Status received = co_await read(socket);
    if (!received) co_return received;
    ran = co_await bridge.run(work);
    buffer_.consume(buffer_.size());
    if (!status) {
      append_frame(outbox_,
                   End{EndReason::kFailed,
                       std::string_view(status.error().message()).substr(0, kTextBytesMax)});
      (void)co_await flush(socket);
      co_return status;
    }
    if (receiver_->has_undurable()) undurable_->cancel();
  }
  co_return Status{};
}

// The disk is kept busy a tenth of the time at most, and never more than a second behind.
StreamClient::Connection::Async StreamClient::Connection::make_durable(Socket& socket) {
  net::PoolBridge bridge(client_.parts_.pool, beast::get_lowest_layer(socket));
  os::Clock& clock = client_.parts_.clock;
  Bytes reply;
  Status status;
  const std::function<void()> work = [&] { status = receiver_->make_durable(reply); };
  while (!ended_ && !co_await net::is_stopping()) {
    error_code ignored;
    auto done = asio::redirect_error(asio::use_awaitable, ignored);
    if (!receiver_->has_undurable()) {
      undurable_->expires_after(kHeartbeatEvery);
      co_await undurable_->async_wait(done);
      continue;
    }
    const auto began = clock.now();
    if (!co_await bridge.run(work)) break;
    if (!status) co_return status;
    append(outbox_, reply);
    reply.clear();
    const Status sent = co_await flush(socket);
    if (!sent) co_return sent;
    if (ended_) break;
    pause_->expires_after(std::min<std::chrono::nanoseconds>((clock.now() - began) * 9,
                                                           kHeartbeatEvery));
    co_await pause_->async_wait(done);
  }
  co_return Status{};
}

// One writes at a time; what the other has to say goes with it.
StreamClient::Connection::Async StreamClient::Connection::flush(Socket& socket) {
  if (writing_) co_return Status{};
  writing_ = true;
  Status sent;
  while (sent && !outbox_.empty()) {
    Bytes message = std::exchange(outbox_, {});
    sent = co_await write(socket, message);
  }
  writing_ = false;
  co_return sent;
}

StreamClient::Connection::Async StreamClient::Connection::read(Socket& socket) {
  beast::get_lowest_layer(socket).expires_after(welcomed_ ? kSilenceMax : kHandshakeDeadline);
  error_code error;
  auto done = asio::redirect_error(asio::use_awaitable, error);
  co_await socket.async_read(buffer_, done);
  if (error == beast::error::timeout) {
    co_return fail(Errc::kTimeout,
                   fmt::format("{} has been silent for {} s", url_, kSilenceMax.count()));
  }
  if (error) co_return fail(Errc::kUnavailable, fmt::format("{}: {}", url_, error.message()));
  wire_bytes_ += buffer_.size();
  co_return Status{};
}

StreamClient::Connection::Async StreamClient::Connection::write(Socket& socket, Bytes& message) {
  const asio::const_buffer data(message.data(), message.size());
  beast::get_lowest_layer(socket).expires_after(kSendDeadline);
  error_code error;
  auto done = asio::redirect_error(asio::use_awaitable, error);
  co_await socket.async_write(data, done);
  message.clear();
  if (error) co_return fail(Errc::kUnavailable, fmt::format("{}: {}", url_, error.message()));
  co_return Status{};
}

// On a pool thread.
Status StreamClient::Connection::process(Bytes& reply) {
  const ByteView message(static_cast<const std::byte*>(buffer_.data().data()), buffer_.size());
  TRY(receiver_->receive(message, reply));
  if (!welcomed_ && receiver_->primary()) {
    TRY(client_.on_welcome_(*receiver_->primary()));
    welcomed_ = true;
    log::info("stream-open", "connected to the primary",
              {{"hostname", receiver_->primary()->hostname}, {"primary", url_}});
    note(true, Status{});
  }
  progress();
  return {};
}

void StreamClient::Connection::note(bool connected, const Status& why) {
  {
    const std::lock_guard lock(client_.mutex_);
    State& state = client_.state_;
    state.connected = connected;
    state.synced = state.synced && connected;
    state.url = url_;
    if (connected) {
      state.hostname = receiver_->primary()->hostname;
      state.since_ms = client_.parts_.clock.wall_ms();
    }
    state.last_error = why ? "" : why.error().message();
  }
  client_.on_change_();
}

void StreamClient::Connection::progress() {
  bool changed = false;
  {
    const std::lock_guard lock(client_.mutex_);
    State& state = client_.state_;
    changed = receiver_->is_synced() != state.synced;
    state.synced = receiver_->is_synced();
    state.wire_bytes = wire_bytes_;
    state.page_bytes = receiver_->page_bytes();
    state.transactions = receiver_->transactions();
  }
  if (!changed) return;
  if (receiver_->is_synced()) client_.was_synced_.store(true, std::memory_order_release);
  client_.on_change_();
}

// --- The client ----------------------------------------------------------------------------------

StreamClient::StreamClient(const Parts& parts, Settings settings, OnWelcome on_welcome,
                           OnChange on_change)
    : parts_(parts),
      settings_(std::move(settings)),
      on_welcome_(std::move(on_welcome)),
      on_change_(std::move(on_change)) {}

StreamClient::~StreamClient() {
  unfollow();
}

void StreamClient::follow(const std::string& url) {
  unfollow();
  stopping_ = false;
  group_ = std::make_unique<net::TaskGroup>("stream from the primary", 1);
  (void)group_->spawn(parts_.threads.next(), Connection::follow(*this, url));
}

void StreamClient::unfollow() {
  stopping_ = true;
  if (group_) group_->stop();
  group_.reset();
}

StreamClient::State StreamClient::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

}  // namespace skerry::replication
