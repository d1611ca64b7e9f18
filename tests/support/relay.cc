#include "tests/support/relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace skerry::test {

static sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static int listen_on(uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address = loopback(port);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  ::listen(fd, 64);
  socklen_t bytes = sizeof(address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes);
  port = ntohs(address.sin_port);
  return fd;
}

Relay::Relay(uint16_t to_port) : to_port_(to_port), listening_(listen_on(port_)) {
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  ended_ = true;
  thread_.join();
  close_all();
  if (listening_ >= 0) ::close(listening_);
}

void Relay::run() {
  while (!ended_) {
    const Mode mode = mode_;
    if (mode == Mode::kGone && listening_ >= 0) {
      close_all();
      ::close(listening_);
      listening_ = -1;
    } else if (mode != Mode::kGone && listening_ < 0) {
      listening_ = listen_on(port_);
    }
    std::vector<pollfd> watched;
    if (listening_ >= 0) watched.push_back({listening_, POLLIN, 0});
    if (mode == Mode::kPass) {
      for (const auto& [fd, other] : other_end_) watched.push_back({fd, POLLIN, 0});
    }
    constexpr int kLookEveryMs = 10;  // at the mode
    ::poll(watched.data(), watched.size(), kLookEveryMs);
    if (mode_ != mode) continue;
    for (const pollfd& one : watched) {
      if (one.revents == 0) continue;
      if (one.fd == listening_) {
        accept_one();
      } else if (other_end_.contains(one.fd)) {
        pump(one.fd);
      }
    }
  }
}

void Relay::accept_one() {
  const int client = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(to_port_);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(client);
    ::close(server);
    return;
  }
  for (const int fd : {client, server}) {
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  }
  other_end_[client] = server;
  other_end_[server] = client;
}

void Relay::pump(int from) {
  std::array<char, 65536> bytes{};
  const int to = other_end_[from];
  const ssize_t n = ::recv(from, bytes.data(), bytes.size(), 0);
  if (n > 0 && ::send(to, bytes.data(), static_cast<size_t>(n), MSG_NOSIGNAL) == n) return;
  other_end_.erase(from);
  other_end_.erase(to);
  ::close(from);
  ::close(to);
}

void Relay::close_all() {
  for (const auto& [fd, other] : other_end_) ::close(fd);
  other_end_.clear();
}

}  // namespace skerry::test
