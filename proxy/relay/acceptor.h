// Takes clients' connections from the listening socket and hands each to a worker. Runs on the
// first worker's loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/log/limiter.h"
#include "daemon/os/fd.h"
#include "proxy/io/event_loop.h"

namespace skerry::proxy {

class Acceptor final : public EventLoop::Handler {
 public:
  // `admits`: whether there is room for one more.
  struct Calls {
    std::function<bool()> admits;
    std::function<void(os::Fd, std::string address)> accepted;
  };

  // Duplicates `listener`, so that closing does not end anybody else's listening.
  [[nodiscard]] static Result<std::unique_ptr<Acceptor>> open(EventLoop& loop, int listener,
                                                              Calls calls);

  // On the loop's thread:
  void close();
  void go_on();  // there may be room again

  void on_ready(uint32_t events) override;
  void on_timer() override { go_on(); }

 private:
  Acceptor(EventLoop& loop, os::Fd listener, Calls calls)
      : loop_(loop), listener_(std::move(listener)), calls_(std::move(calls)) {}

  EventLoop& loop_;
  os::Fd listener_;
  Calls calls_;
  bool waiting_ = false;  // there may be connections that were not taken
  EventLoop::Timer timer_{*this};
  log::Limiter limiter_{std::chrono::seconds(5)};
};

}  // namespace skerry::proxy
