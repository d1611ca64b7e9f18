#include "daemon/net/server.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "daemon/log/log.h"
#include "daemon/net/connection.h"
#include "daemon/net/task_group.h"
#include "daemon/os/fd.h"

namespace skerry::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};  // after an error such as "too many files"

// So that a client whose machine is gone is noticed, also where nothing is to be sent.
void watch_liveness(tcp::socket& socket) {
  constexpr int kIdleSeconds = 30;
  constexpr int kProbeSeconds = 10;
  constexpr int kProbes = 3;
  constexpr unsigned kUnansweredMs = 60'000;
  const int fd = socket.native_handle();
  const int on = 1;
  (void)::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kIdleSeconds, sizeof kIdleSeconds);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kProbeSeconds, sizeof kProbeSeconds);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof kProbes);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnansweredMs, sizeof kUnansweredMs);
}

// As far as the socket takes it at once: nobody waits for a client that is one too many.
void turn_away(tcp::socket& socket) {
  constexpr std::string_view kReply =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 21\r\n"
      "Connection: close\r\n\r\ntoo many connections\n";
  (void)::send(socket.native_handle(), kReply.data(), kReply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  boost::system::error_code ignored;
  socket.shutdown(tcp::socket::shutdown_both, ignored);
}

Result<tcp::acceptor> acceptor_on(asio::io_context& loop, int listening_fd) {
  os::Fd fd(::fcntl(listening_fd, F_DUPFD_CLOEXEC, 0));
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  if (!fd || ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
    return fail_errno(errno, "taking over the listening socket");
  }
  tcp::acceptor acceptor(loop);
  boost::system::error_code error;
  acceptor.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd.get(), error);
  if (error) return fail(Errc::kIo, "taking over the listening socket: " + error.message());
  (void)fd.release();
  return acceptor;
}

}  // namespace

struct Server::Acceptor {
  static asio::awaitable<void> run(Server& server, tcp::acceptor acceptor) {
    log::Limiter failures(std::chrono::seconds(10));
    for (;;) {
      asio::io_context& loop = server.threads_.next();
      tcp::socket socket(loop);
      boost::system::error_code error;
      co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        log::write(failures, log::Level::kWarn, "accept-failed", error.message(),
                   {{"server", server.name_}});
        asio::steady_timer pause(acceptor.get_executor(), kAcceptPause);
        co_await pause.async_wait(asio::use_awaitable);
        continue;
      }
      admit(server, loop, std::move(socket));
    }
  }

  static void admit(Server& server, asio::io_context& loop, tcp::socket socket) {
    if (server.connections_->size() >= server.limits_.connections_max) {
      server.counters_.turned_away.fetch_add(1, std::memory_order_relaxed);
      return turn_away(socket);
    }
    watch_liveness(socket);
    // Refused only while the server stops.
    (void)server.connections_->spawn(loop,
                                     serve_connection(server, std::move(socket), OnItsWay(server)));
  }
};

Server::Server(std::string name, IoThreads& threads, BlockingPool& pool, ServerLimits limits)
    : name_(std::move(name)),
      threads_(threads),
      pool_(pool),
      limits_(limits),
      accepting_(std::make_unique<TaskGroup>(name_ + " listener", 1)),
      connections_(std::make_unique<TaskGroup>(name_ + " connections", limits.connections_max)) {}

Server::~Server() {
  stop();
}

Status Server::start(int listening_fd) {
  asio::io_context& loop = threads_.next();
  TRY_ASSIGN(tcp::acceptor acceptor, acceptor_on(loop, listening_fd));
  if (!accepting_->spawn(loop, Acceptor::run(*this, std::move(acceptor)))) {
    return fail(Errc::kCancelled, name_ + ": started after its stop");
  }
  return {};
}

OnItsWay::OnItsWay(Server& server) : server_(&server) {
  const std::lock_guard lock(server.requests_mutex_);
  ++server.requests_;
}

OnItsWay::~OnItsWay() {
  if (server_ == nullptr) return;
  const std::lock_guard lock(server_->requests_mutex_);
  if (--server_->requests_ == 0) server_->none_left_.notify_all();
}

void Server::drain(std::chrono::milliseconds limit) {
  draining_ = true;
  accepting_->stop();
  std::unique_lock lock(requests_mutex_);
  none_left_.wait_for(lock, limit, [this] { return requests_ == 0; });
}

void Server::stop() {
  stopping_ = true;
  accepting_->stop();
  connections_->stop();
}

size_t Server::connections() const {
  return connections_->size();
}

void Server::count(unsigned status) {
  auto& counter = status >= 500   ? counters_.requests_5xx
                  : status >= 400 ? counters_.requests_4xx
                                  : counters_.requests_1xx_3xx;
  counter.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace skerry::net
