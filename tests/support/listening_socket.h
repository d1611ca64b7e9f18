// A TCP socket that listens on a free port of the loopback interface.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "daemon/os/fd.h"

namespace skerry::test {

class ListeningSocket {
 public:
  ListeningSocket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd_.get(), raw, sizeof address) == 0);
    REQUIRE(::listen(fd_.get(), 128) == 0);
    socklen_t bytes = sizeof address;
    REQUIRE(::getsockname(fd_.get(), raw, &bytes) == 0);
    port_ = ntohs(address.sin_port);
  }

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] uint16_t port() const { return port_; }

 private:
  os::Fd fd_;
  uint16_t port_ = 0;
};

// A client's socket, for what no HTTP library would send.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{30, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  void send(std::string_view text) const {
    (void)::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  void finish() const { ::shutdown(fd_.get(), SHUT_WR); }

  // Up to the text, or to the connection's end.
  std::string read_until(std::string_view text) {
    while (!received_.contains(text)) {
      char piece[4096];
      const ssize_t n = ::recv(fd_.get(), piece, sizeof piece, 0);
      if (n <= 0) break;
      received_.append(piece, static_cast<size_t>(n));
    }
    const size_t at = received_.find(text);
    const size_t end = at == std::string::npos ? received_.size() : at + text.size();
    std::string taken = received_.substr(0, end);
    received_.erase(0, end);
    return taken;
  }
  std::string read_all() { return read_until(std::string_view("\0never", 6)); }

 private:
  os::Fd fd_;
  std::string received_;
};

}  // namespace skerry::test
