#include "proxy/io/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

#include <array>
#include <cstring>
#include <memory>

#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

constexpr size_t kAddressesMax = 8;  // of one name

SocketAddresses look_up(const std::string& host, uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &raw) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
  SocketAddresses addresses;
  for (const addrinfo* a = raw; a != nullptr && addresses.size() < kAddressesMax; a = a->ai_next) {
    SocketAddress address;
    address.bytes = a->ai_addrlen;
    std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

SocketAddresses known_addresses(const config::Address& address) {
  if (address.host != "localhost") return look_up(address.host, address.port, AI_NUMERICHOST);
  SocketAddresses both = look_up("127.0.0.1", address.port, AI_NUMERICHOST);
  for (const auto& one : look_up("::1", address.port, AI_NUMERICHOST)) both.push_back(one);
  return both;
}

std::string text_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6, text.data(), text.size());
    }
  } else {
    return "unknown";
  }
  return text.data();
}

Resolver::~Resolver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Resolver::resolve(const config::Address& address, Answer answer) {
  {
    const std::lock_guard lock(mutex_);
    if (questions_.size() < kResolvingMax && !stopping_) {
      questions_.push_back({address, std::move(answer)});
      changed_.notify_one();
      return;
    }
  }
  answer({});
}

void Resolver::run() {
  ::pthread_setname_np(::pthread_self(), "proxy-names");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !questions_.empty(); });
    if (stopping_) return;
    Question question = std::move(questions_.front());
    questions_.pop_front();
    lock.unlock();
    question.answer(look_up(question.address.host, question.address.port, AI_ADDRCONFIG));
    lock.lock();
  }
}

}  // namespace skerry::proxy
