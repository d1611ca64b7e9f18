// Names to addresses, away from the event loops: the system's resolver blocks.
//
// Threads: resolve() from any; the answer comes on the resolver's own thread.
#pragma once

#include <sys/socket.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/config/address.h"

namespace skerry::proxy {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

using SocketAddresses = std::vector<SocketAddress>;

// What needs no looking up: literal addresses, and "localhost" (both families). Empty for others.
[[nodiscard]] SocketAddresses known_addresses(const config::Address& address);

// "1.2.3.4" also for an IPv4 address that came through an IPv6 socket.
[[nodiscard]] std::string text_of(const sockaddr_storage& address);

class Resolver {
 public:
  using Answer = std::move_only_function<void(SocketAddresses)>;

  Resolver() : thread_([this] { run(); }) {}
  ~Resolver();  // waits for the lookup that is under way
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The answer is empty if there is no such host, or kResolvingMax questions wait already.
  void resolve(const config::Address& address, Answer answer);

 private:
  struct Question {
    config::Address address;
    Answer answer;
  };
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Question> questions_;  // guarded by mutex_
  bool stopping_ = false;           // guarded by mutex_
  std::thread thread_;
};

}  // namespace skerry::proxy
