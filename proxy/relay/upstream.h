// A connection to the application or to another proxy, and where such connections go.
//
// Threads: those of one worker's loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/address.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/resolver.h"
#include "proxy/io/stream.h"
#include "proxy/metrics.h"

namespace skerry::proxy {

class Destination;

class Upstream final : public EventLoop::Handler {
 public:
  // Who is told that something happened here.
  class User {
   public:
    virtual ~User() = default;
    virtual void upstream_moved() = 0;
  };

  enum class State : uint8_t { kConnecting, kOpen, kFailed };

  Upstream(EventLoop& loop, Destination& destination, User& user);
  ~Upstream() override;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] Stream& stream() { return stream_; }
  // It has served a request before.
  [[nodiscard]] bool reused() const { return reused_; }

  // What was received and not yet understood.
  std::string in;

  void on_ready(uint32_t events) override;
  void on_timer() override;

 private:
  friend class Destination;
  void begin(SocketAddresses addresses);
  void try_next();
  void finish_connecting();
  void fail(std::string why);

  EventLoop& loop_;
  Destination& destination_;
  User* user_;  // null: idle in its destination's pool
  Stream stream_{os::Fd()};
  State state_ = State::kConnecting;
  SocketAddresses addresses_;
  size_t next_address_ = 0;
  std::string error_;
  EventLoop::Timer timer_{*this};
  TimePoint idle_until_;
  bool reused_ = false;
};

// One address, with the idle connections to it, the latest used first.
class Destination {
 public:
  Destination(EventLoop& loop, Resolver& resolver, Counters& counters, config::Address address);
  ~Destination();

  [[nodiscard]] const config::Address& address() const { return address_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  // Connecting failed just now. One request at a time finds out whether it still does; the others
  // need not try.
  [[nodiscard]] bool is_down() const;
  // A connection turned out to lead nowhere.
  void failed(std::string why);
  [[nodiscard]] const std::string& error() const { return error_; }  // of the last failure

  // An idle connection, or a new one that begins to connect.
  [[nodiscard]] std::unique_ptr<Upstream> take(Upstream::User& user);
  // For the next request. `keep_alive_s`: what the other side said, 0 if nothing.
  void give_back(std::unique_ptr<Upstream> upstream, int keep_alive_s);
  void close_idle();
  void close_expired();
  [[nodiscard]] bool unused() const { return connections_ == 0; }

 private:
  friend class Upstream;
  void look_up(Upstream& upstream);
  void found(SocketAddresses addresses);
  void drop_idle(Upstream& upstream);
  void forget(Upstream& upstream);  // is being destroyed
  void succeeded();

  EventLoop& loop_;
  Resolver& resolver_;
  Counters& counters_;
  const config::Address address_;
  const std::string name_;
  const bool fixed_;  // needs no looking up
  SocketAddresses addresses_;
  TimePoint fresh_until_{};
  bool looking_up_ = false;
  size_t connections_ = 0;
  bool failed_ = false;   // the last attempt to connect has
  bool probing_ = false;  // … and another is being made
  TimePoint retry_at_{};
  std::string error_;
  std::vector<Upstream*> waiting_;  // for the addresses
  std::vector<std::unique_ptr<Upstream>> idle_;
  std::shared_ptr<Destination*> self_;  // for answers that come after its end
};

}  // namespace skerry::proxy
