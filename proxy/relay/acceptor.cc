#include "proxy/relay/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "daemon/log/log.h"
#include "proxy/io/resolver.h"
#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

constexpr int kAcceptsMax = 64;  // before others' turn
constexpr int kKeepaliveIdleS = 60;
constexpr int kKeepaliveIntervalS = 15;
constexpr int kKeepaliveProbes = 4;

// Accepted sockets inherit these, which saves each of them the calls.
void set_options(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepaliveIdleS, sizeof kKeepaliveIdleS);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &kKeepaliveIntervalS, sizeof kKeepaliveIntervalS);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepaliveProbes, sizeof kKeepaliveProbes);
}

bool is_about_one_connection(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM;
}

}  // namespace

Result<std::unique_ptr<Acceptor>> Acceptor::open(EventLoop& loop, int listener, Calls calls) {
  os::Fd own(::fcntl(listener, F_DUPFD_CLOEXEC, 3));
  if (!own) return fail_errno(errno, "the proxy's listening socket");
  const int flags = ::fcntl(own.get(), F_GETFL);
  if (flags < 0 || ::fcntl(own.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail_errno(errno, "the proxy's listening socket");
  }
  set_options(own.get());
  std::unique_ptr<Acceptor> acceptor(new Acceptor(loop, std::move(own), std::move(calls)));
  TRY(loop.watch(acceptor->listener_.get(), *acceptor));
  return acceptor;
}

// The queue behind the descriptor is others', too, so epoll must be told: it watches what the
// descriptor stands for, not the descriptor.
void Acceptor::close() {
  if (!listener_) return;
  loop_.unwatch(listener_.get());
  listener_.reset();
  loop_.set(timer_, TimePoint::max());
}

void Acceptor::go_on() {
  if (waiting_) on_ready(0);
}

void Acceptor::on_ready(uint32_t) {
  for (int i = 0; i < kAcceptsMax; ++i) {
    if (!listener_) return;
    waiting_ = !calls_.admits();
    if (waiting_) return;
    sockaddr_storage address{};
    socklen_t bytes = sizeof address;
    os::Fd fd(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &bytes,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      calls_.accepted(std::move(fd), text_of(address));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (!is_about_one_connection(errno)) {
      log::write(limiter_, log::Level::kError, "proxy-accept",
                 "cannot take connections for the moment; raise the limit of open files",
                 {{"error", std::strerror(errno)}});
      waiting_ = true;
      return loop_.set(timer_, loop_.now() + kAcceptPause);
    }
  }
  loop_.again(*this);
}

}  // namespace skerry::proxy
