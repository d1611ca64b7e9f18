#include "proxy/io/stream.h"

#include <netinet/in.h>
// <linux/tcp.h> has the field that <netinet/tcp.h> lacks.
#include <linux/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>

namespace skerry::proxy {

void Stream::note(uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_ended_ = true;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
}

Stream::Got Stream::read(char* to, size_t bytes_max) {
  using What = Got::What;
  if (!readable_ || !fd_) return {What::kNothing};
  ssize_t n = 0;
  do {
    n = ::recv(fd_.get(), to, bytes_max, 0);
  } while (n < 0 && errno == EINTR);
  if (n > 0) {
    const auto bytes = static_cast<size_t>(n);
    // Less than there was room for: the rest is yet to come, and so is its event.
    if (bytes < bytes_max && !peer_ended_) readable_ = false;
    return {What::kBytes, bytes};
  }
  if (n == 0) return {What::kEnd};
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    readable_ = false;
    return {What::kNothing};
  }
  hung_up_ = true;
  // EPIPE: the other side's end had arrived, in order, before the reset.
  return {errno == EPIPE ? What::kEnd : What::kFailed};
}

bool Stream::is_quiet() {
  if (!fd_ || peer_ended_) return false;
  if (!readable_) return true;
  char first = 0;
  const ssize_t n = ::recv(fd_.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return false;
  readable_ = false;
  return true;
}

size_t Stream::send_now(std::string_view bytes) {
  size_t sent = 0;
  while (sent < bytes.size() && writable_ && !send_failed_) {
    const ssize_t n =
        ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      writable_ = false;
    } else if (errno != EINTR) {
      send_failed_ = true;
    }
  }
  bytes_sent_ += sent;
  return sent;
}

void Stream::send(std::string_view bytes) {
  if (!fd_ || send_failed_) return;
  if (unsent() == 0) bytes.remove_prefix(send_now(bytes));
  if (!send_failed_) out_.append(bytes);
}

void Stream::flush() {
  if (!fd_ || (out_.empty() && !end_wanted_)) return;
  if (unsent() > 0) out_sent_ += send_now(std::string_view(out_).substr(out_sent_));
  if (send_failed_ || unsent() == 0) {
    std::string().swap(out_);
    out_sent_ = 0;
  }
  if (end_wanted_ && !ended_ && unsent() == 0) {
    ended_ = true;
    ::shutdown(fd_.get(), SHUT_WR);
  }
}

void Stream::end_sending() {
  end_wanted_ = true;
  flush();
}

uint64_t Stream::bytes_acknowledged() const {
  tcp_info info{};
  socklen_t bytes = sizeof info;
  if (!fd_ || ::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0) return ~0ull;
  if (bytes < offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) return ~0ull;
  // The connection's own first byte, SYN, is counted, too.
  return info.tcpi_bytes_acked > 0 ? info.tcpi_bytes_acked - 1 : 0;
}

void Stream::abort() {
  if (!fd_) return;
  const linger reset{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  fd_.reset();
}

}  // namespace skerry::proxy
