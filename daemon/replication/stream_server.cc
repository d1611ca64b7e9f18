#include "daemon/replication/stream_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>

#include "daemon/log/log.h"
#include "daemon/net/pool_bridge.h"

namespace skerry::replication {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

// What a replica may have sent that its stream did not look at yet.
static constexpr size_t kInboxMax = 16;

// One stream; lives on its connection's loop, in serve()'s frame.
class StreamServer::Stream {
 public:
  Stream(StreamServer& server, net::Upgrade& upgrade)
      : server_(server),
        upgrade_(upgrade),
        socket_(upgrade.stream),
        wake_(upgrade.stream.get_executor()),
        beat_(upgrade.stream.get_executor()),
        bridge_(server.pool_, upgrade.stream) {}

  asio::awaitable<void> run();

  // From any thread, while the stream is on the server's list.
  [[nodiscard]] StreamInfo info() const;
  void end() {
    ending_ = true;
    wake();
  }
  [[nodiscard]] const std::shared_ptr<Sender>& sender() const { return sender_; }

 private:
  using Async = asio::awaitable<Status>;
  Async accept();
  Async greet();
  Async send(Bytes& message);
  Async send_all();
  Async receive_all();
  Async compose(Bytes& message);
  asio::awaitable<void> wait_for_news();
  [[nodiscard]] Status take(ByteView message);
  void handle_inbox();
  void wake();
  asio::awaitable<void> sender_task();
  asio::awaitable<void> receiver_task();
  void close(const Status& why);

  StreamServer& server_;
  net::Upgrade& upgrade_;
  websocket::stream<beast::tcp_stream&> socket_;
  asio::steady_timer wake_;  // cancelled by who has news
  asio::steady_timer beat_;
  net::PoolBridge bridge_;
  beast::flat_buffer buffer_{kMessageBytesMax};
  std::shared_ptr<Sender> sender_;
  std::atomic<bool> woken_{false};
  std::atomic<bool> ending_{false};
  bool closed_ = false;
  Status outcome_;
  os::MonotonicTime next_beat_{};
  Sender::Next next_ = Sender::Next::kIdle;
  std::deque<Bytes> inbox_;
  NodeId node_;
  std::string hostname_;
  std::string region_;
  int64_t since_ms_ = 0;
  std::atomic<uint64_t> wire_bytes_{0};
};

// --- The stream's course -------------------------------------------------------------------------

static Error wire_error(error_code error, std::string_view what) {
  if (error == beast::error::timeout) {
    return {Errc::kTimeout, fmt::format("{}: the replica takes nothing", what)};
  }
  return {Errc::kUnavailable, fmt::format("{}: {}", what, error.message())};
}

asio::awaitable<void> StreamServer::Stream::run() {
  co_await asio::this_coro::throw_if_cancelled(false);
  Status begun = co_await accept();
  if (begun) begun = co_await greet();
  if (!begun) {
    upgrade_.stream.close();
    log::warn("stream-refused", begun.error().message(), {{"peer", upgrade_.peer}});
    co_return;
  }
  const CommitFeed::Ticket ticket = server_.feed_.join([this] { wake(); });
  {
    const std::lock_guard lock(server_.mutex_);
    server_.streams_.push_back(this);
  }
  log::info("stream-open", "a replica is connected",
            {{"hostname", hostname_}, {"peer", upgrade_.peer}, {"region", region_}});
  {
    using namespace asio::experimental::awaitable_operators;
    co_await (sender_task() && receiver_task());
  }
  {
    const std::lock_guard lock(server_.mutex_);
    server_.streams_.remove(this);
  }
  server_.feed_.leave(ticket);
  log::info("stream-closed", outcome_ ? "the stream ended" : outcome_.error().message(),
            {{"hostname", hostname_}, {"peer", upgrade_.peer}});
  if (server_.acknowledged_) server_.acknowledged_();
  // What wake() posted while the ticket was valid runs before this frame is gone.
  co_await asio::post(upgrade_.stream.get_executor(), asio::use_awaitable);
}

StreamServer::Stream::Async StreamServer::Stream::accept() {
  if (upgrade_.behind_request.size() != 0) {
    co_return fail(Errc::kInvalid, "the client sends before its WebSocket handshake is answered");
  }
  const int on = 1;
  const unsigned user_timeout_ms =
      static_cast<unsigned>(std::chrono::milliseconds(kSendDeadline).count());
  const int fd = upgrade_.stream.socket().native_handle();
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
  socket_.set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                     websocket::stream_base::none(), false});
  socket_.binary(true);
  socket_.auto_fragment(false);
  socket_.read_message_max(kMessageBytesMax);
  upgrade_.stream.expires_after(kHandshakeDeadline);
  error_code error;
  auto done = asio::redirect_error(asio::use_awaitable, error);
  co_await socket_.async_accept(upgrade_.request, done);
  if (error) co_return std::unexpected(wire_error(error, "the WebSocket handshake"));
  co_return Status{};
}

StreamServer::Stream::Async StreamServer::Stream::greet() {
  error_code error;
  auto done = asio::redirect_error(asio::use_awaitable, error);
  co_await socket_.async_read(buffer_, done);
  upgrade_.stream.expires_never();
  if (error) co_return std::unexpected(wire_error(error, "waiting for the replica's hello"));
  const Bytes raw(static_cast<const std::byte*>(buffer_.data().data()),
                  static_cast<const std::byte*>(buffer_.data().data()) + buffer_.size());
  buffer_.consume(buffer_.size());
  ByteView message(raw);
  auto frame = take_frame(message);
  if (!frame) co_return std::unexpected(std::move(frame).error());
  const Hello* hello = *frame ? std::get_if<Hello>(&**frame) : nullptr;
  Bytes reply;
  const auto version = hello != nullptr ? negotiate(kVersions, hello->versions) : std::nullopt;
  const bool catches_up = hello != nullptr && hello->catches_up;
  auto self = server_.self_(catches_up);
  Status refused;
  if (hello == nullptr) {
    append_frame(reply, End{EndReason::kProtocol, "hello is missing"});
    refused = fail(Errc::kInvalid, "its first frame is not Hello");
  } else if (!version) {
    append_frame(reply, End{EndReason::kVersion, ""});
    refused = fail(Errc::kUnsupported,
                   fmt::format("{} speaks versions {} to {} of the stream", hello->hostname,
                               hello->versions.min, hello->versions.max));
  } else if (!self) {
    append_frame(reply, End{EndReason::kNotPrimary, self.error().message()});
    refused = std::unexpected(self.error());
  } else if (!hello->cluster.empty() && !self->cluster.empty() && hello->cluster != self->cluster) {
    append_frame(reply, End{EndReason::kCluster, self->cluster});
    refused = fail(Errc::kInvalid,
                   fmt::format("{} belongs to the cluster {}", hello->hostname, hello->cluster));
  } else if (hello->epoch > self->epoch && !catches_up) {
    append_frame(reply, End{EndReason::kStaleEpoch, ""});
    refused = fail(Errc::kReadOnly, fmt::format("{} saw epoch {}, which is later than this node's",
                                                hello->hostname, hello->epoch.value()));
  } else if (server_.streams().size() >= kStreamsMax) {
    append_frame(reply, End{EndReason::kTooMany, ""});
    refused = fail(Errc::kBusy, fmt::format("there are {} streams already", kStreamsMax));
  } else {
    node_ = hello->node;
    hostname_ = hello->hostname;
    region_ = hello->region;
    since_ms_ = server_.clock_.wall_ms();
    const Hello copied = *hello;
    const StreamSelf introduced = *self;
    const std::function<void()> make = [&] {
      sender_ = std::make_shared<Sender>(server_.store_, server_.feed_, introduced, copied);
    };
    if (!co_await bridge_.run(make)) {
      append_frame(reply, End{EndReason::kTooMany, "busy"});
      refused = fail(Errc::kBusy, "the pool is full");
    } else {
      sender_->welcome(reply, *version);
    }
  }
  const Status sent = co_await send(reply);
  if (!refused) co_return refused;
  co_return sent;
}

asio::awaitable<void> StreamServer::Stream::sender_task() {
  const Status why = co_await send_all();
  close(why);
}

asio::awaitable<void> StreamServer::Stream::receiver_task() {
  const Status why = co_await receive_all();
  close(why);
}

void StreamServer::Stream::close(const Status& why) {
  if (closed_) return;
  closed_ = true;
  outcome_ = why;
  upgrade_.stream.close();
  wake_.cancel();
}

// --- Sending -------------------------------------------------------------------------------------

StreamServer::Stream::Async StreamServer::Stream::send(Bytes& message) {
  const asio::const_buffer data(message.data(), message.size());
  upgrade_.stream.expires_after(kSendDeadline);
  error_code error;
  auto done = asio::redirect_error(asio::use_awaitable, error);
  co_await socket_.async_write(data, done);
  if (error) co_return std::unexpected(wire_error(error, "sending"));
  wire_bytes_.fetch_add(message.size(), std::memory_order_relaxed);
  server_.wire_bytes_.fetch_add(message.size(), std::memory_order_relaxed);
  message.clear();
  co_return Status{};
}

StreamServer::Stream::Async StreamServer::Stream::send_all() {
  Bytes message;
  while (!closed_) {
    if (ending_) {
      append_frame(message, End{EndReason::kNotPrimary, "this node is no longer the primary"});
      co_return co_await send(message);
    }
    woken_ = false;  // what comes from here on wakes
    const Status composed = co_await compose(message);
    if (!composed) {
      message.clear();
      append_frame(message,
                   End{EndReason::kFailed, composed.error().message().substr(0, kTextBytesMax)});
      (void)co_await send(message);
      co_return composed;
    }
    if (!message.empty()) {
      const Status sent = co_await send(message);
      if (!sent) co_return sent;
    } else if (next_ == Sender::Next::kIdle) {
      co_await wait_for_news();
    }
    if (co_await net::is_stopping()) co_return Status{};
  }
  co_return Status{};
}

StreamServer::Stream::Async StreamServer::Stream::compose(Bytes& message) {
  while (!inbox_.empty()) {
    const Bytes raw = std::move(inbox_.front());
    inbox_.pop_front();
    ByteView rest(raw);
    const auto frame = take_frame(rest);
    if (!frame) co_return std::unexpected(frame.error());
    const Status handled = sender_->handle(**frame);
    if (!handled) co_return handled;
  }
  const auto now = server_.clock_.now();
  const bool beats = now >= next_beat_;
  Status worked;
  next_ = sender_->step(message);
  if (beats || next_ == Sender::Next::kWork) {
    const std::function<void()> work = [&] {
      if (beats) sender_->sweep();
      if (next_ == Sender::Next::kWork) worked = sender_->work(message);
    };
    if (!co_await bridge_.run(work)) {
      co_return fail(Errc::kBusy, "the pool of threads for blocking work is full");
    }
    if (!worked) co_return worked;
  }
  if (beats) {
    sender_->heartbeat(message, server_.clock_.wall_ms());
    next_beat_ = now + kHeartbeatEvery;
  }
  co_return Status{};
}

asio::awaitable<void> StreamServer::Stream::wait_for_news() {
  if (woken_ || closed_) co_return;
  wake_.expires_after(std::max<std::chrono::nanoseconds>(next_beat_ - server_.clock_.now(),
                                                         std::chrono::nanoseconds(1)));
  error_code ignored;
  auto done = asio::redirect_error(asio::use_awaitable, ignored);
  co_await wake_.async_wait(done);
}

// From any thread. Posts at most once until the loop has looked.
void StreamServer::Stream::wake() {
  if (woken_.exchange(true)) return;
  asio::post(upgrade_.stream.get_executor(), [this] { wake_.cancel(); });
}

// --- Receiving -----------------------------------------------------------------------------------

StreamServer::Stream::Async StreamServer::Stream::receive_all() {
  while (!closed_) {
    upgrade_.stream.expires_never();
    error_code error;
    auto done = asio::redirect_error(asio::use_awaitable, error);
    co_await socket_.async_read(buffer_, done);
    if (error == websocket::error::closed) co_return Status{};
    if (error) co_return std::unexpected(wire_error(error, "receiving"));
    const Status taken =
        take(ByteView(static_cast<const std::byte*>(buffer_.data().data()), buffer_.size()));
    buffer_.consume(buffer_.size());
    if (!taken) co_return taken;
  }
  co_return Status{};
}

Status StreamServer::Stream::take(ByteView message) {
  while (!message.empty()) {
    const ByteView before = message;
    TRY_ASSIGN(const auto frame, take_frame(message));
    if (!frame) break;
    if (const auto* ack = std::get_if<Ack>(&*frame)) {
      TRY(sender_->handle_ack(*ack));
      if (server_.acknowledged_) server_.acknowledged_();
    } else if (const auto* end = std::get_if<End>(&*frame)) {
      return fail(Errc::kCancelled, fmt::format("the replica ended the stream: {} {}",
                                                to_string(end->reason), end->text));
    } else {
      if (inbox_.size() >= kInboxMax) return fail(Errc::kInvalid, "it sends more than it may");
      const ByteView one = before.first(before.size() - message.size());
      inbox_.emplace_back(one.begin(), one.end());
      wake();
    }
  }
  return {};
}

StreamInfo StreamServer::Stream::info() const {
  return {node_,
          hostname_,
          region_,
          upgrade_.peer,
          since_ms_,
          wire_bytes_.load(),
          sender_->transactions(),
          sender_->acknowledged()};
}

// --- The server ----------------------------------------------------------------------------------

StreamServer::StreamServer(store::Store& store, CommitFeed& feed, net::BlockingPool& pool,
                           os::Clock& clock, Self self)
    : store_(store), feed_(feed), pool_(pool), clock_(clock), self_(std::move(self)) {}

StreamServer::~StreamServer() = default;

asio::awaitable<void> StreamServer::serve(net::Upgrade& upgrade) {
  Stream stream(*this, upgrade);
  co_await stream.run();
}

void StreamServer::end_all() {
  const std::lock_guard lock(mutex_);
  for (Stream* stream : streams_) stream->end();
}

std::vector<StreamInfo> StreamServer::streams() const {
  const std::lock_guard lock(mutex_);
  std::vector<StreamInfo> all;
  for (const Stream* stream : streams_) all.push_back(stream->info());
  return all;
}

unsigned StreamServer::holding(const std::vector<std::pair<std::string, Position>>& positions,
                               bool durably) const {
  const std::lock_guard lock(mutex_);
  unsigned count = 0;
  for (const Stream* stream : streams_) {
    const auto has = stream->sender()->acknowledged();
    bool all = true;
    for (const auto& [name, position] : positions) {
      const auto found = has.find(name);
      const Txid reached = found == has.end() ? Txid(0)
                           : durably          ? found->second.durable
                                              : found->second.received;
      all = all && reached >= position.txid;
    }
    if (all) ++count;
  }
  return count;
}

}  // namespace skerry::replication
