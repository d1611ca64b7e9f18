#include "daemon/net/response_sender.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <ctime>

#include "daemon/log/log.h"

namespace skerry::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

static constexpr size_t kPieceBytes = 64 << 10;
// Between two pieces of a live body, so that a busy writer does not wake this thread each time.
static constexpr std::chrono::milliseconds kLivePause{2};

asio::awaitable<bool> ResponseSender::send(Response& response, const HeaderList& common,
                                           Manner manner) {
  const auto* text = std::get_if<std::string>(&response.body);
  auto* streamed = std::get_if<StreamedBody>(&response.body);
  const bool is_live = text == nullptr && streamed == nullptr;
  const bool knows_length = text != nullptr || (streamed != nullptr && streamed->bytes);
  const Framing framing = knows_length      ? Framing::kLength
                          : manner.http_1_1 ? Framing::kChunked
                                            : Framing::kUntilClose;
  const bool keep_alive = manner.keep_alive && framing != Framing::kUntilClose && !is_live;
  const uint64_t bytes = text != nullptr ? text->size() : knows_length ? *streamed->bytes : 0;
  std::string head =
      response_head(response, common, framing, bytes, keep_alive, std::time(nullptr));
  constexpr size_t kTogetherMax = 16 << 10;
  const bool together = text != nullptr && !manner.head_only && text->size() <= kTogetherMax;
  if (together) head += *text;
  if (!co_await send_text(head)) co_return false;
  if (manner.head_only || together) co_return keep_alive;
  if (text != nullptr) co_return co_await send_text(*text) && keep_alive;
  if (streamed != nullptr) co_return co_await send_streamed(*streamed, framing) && keep_alive;
  co_await send_live(*std::get<std::unique_ptr<LiveBody>>(response.body), framing);
  co_return false;
}

asio::awaitable<bool> ResponseSender::send_text(std::string_view text) {
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, kPieceBytes);
    text.remove_prefix(piece.size());
    stream_.expires_after(piece_deadline_);
    error_code error;
    co_await asio::async_write(stream_, asio::const_buffer(piece.data(), piece.size()),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> ResponseSender::send_piece(std::string_view piece, Framing framing) {
  if (framing != Framing::kChunked) co_return co_await send_text(piece);
  const std::string size = fmt::format("{:x}\r\n", piece.size());
  const std::array<asio::const_buffer, 3> parts = {asio::buffer(size),
                                                   asio::const_buffer(piece.data(), piece.size()),
                                                   asio::const_buffer("\r\n", 2)};
  stream_.expires_after(piece_deadline_);
  error_code error;
  co_await asio::async_write(stream_, parts, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

asio::awaitable<bool> ResponseSender::send_streamed(StreamedBody& body, Framing framing) {
  Bytes piece(kPieceBytes);
  uint64_t left = body.bytes.value_or(UINT64_MAX);
  Result<size_t> n = size_t{0};
  const std::function<void()> read = [&] {
    try {
      n = body.source->read(ByteSpan(piece).first(std::min<uint64_t>(piece.size(), left)));
    } catch (const std::exception& error) {  // a bug
      n = fail(Errc::kIo, error.what());
    }
  };
  while (left > 0) {
    if (!co_await bridge_.run(read)) co_return false;
    if (!n || (*n == 0 && body.bytes)) {  // the client sees the connection break before the end
      log::warn("http-body",
                n ? "a response's body is shorter than announced" : n.error().message());
      co_return false;
    }
    if (*n == 0) break;
    if (!co_await send_piece(as_text(ByteView(piece).first(*n)), framing)) co_return false;
    left -= *n;
  }
  co_return framing != Framing::kChunked || co_await send_text("0\r\n\r\n");
}

namespace {

// What the connection and those who wake it share.
struct LiveState {
  std::atomic<bool> pending{false};
  asio::steady_timer* timer = nullptr;  // on the loop's thread; null once nobody waits
  bool client_gone = false;             // on the loop's thread

  void cancel() const {
    if (timer != nullptr) timer->cancel();
  }
};

}  // namespace

asio::awaitable<void> ResponseSender::send_live(LiveBody& live, Framing framing) {
  const auto state = std::make_shared<LiveState>();
  asio::steady_timer wake(stream_.get_executor());  // cancelled to end a wait
  state->timer = &wake;
  const auto executor = stream_.get_executor();
  live.start([state, executor] {
    if (state->pending.exchange(true)) return;
    asio::post(executor, [state] { state->cancel(); });
  });
  // Such a client has nothing more to say: what can be read is its end.
  stream_.socket().async_wait(tcp::socket::wait_read, [state](error_code) {
    state->client_gone = true;
    state->cancel();
  });
  while (!state->client_gone) {
    state->pending = false;
    const std::string text = live.take();
    if (!text.empty()) {
      if (!co_await send_piece(text, framing)) break;
      asio::steady_timer pause(stream_.get_executor(), kLivePause);
      error_code cancelled;
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
      continue;
    }
    if (state->pending || state->client_gone) continue;
    if (co_await is_stopping()) break;
    wake.expires_at(asio::steady_timer::time_point::max());
    error_code cancelled;
    co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  state->timer = nullptr;
  if (framing == Framing::kChunked && !state->client_gone) (void)co_await send_text("0\r\n\r\n");
}

}  // namespace skerry::net
