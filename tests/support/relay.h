// A TCP relay on loopback that can be told to misbehave: hang (accept, and never answer), or be
// gone. Stands between a node and what it talks to.
//
// Threads: one of its own; every method may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <thread>

namespace skerry::test {

class Relay {
 public:
  enum class Mode {
    kPass,
    kHang,  // bytes go nowhere, either way; connections stay
    kGone,  // connections end, new ones are refused
  };

  explicit Relay(uint16_t to_port);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  void set(Mode mode) { mode_ = mode; }

 private:
  void run();
  void accept_one();
  void pump(int from);
  void close_all();

  const uint16_t to_port_;
  uint16_t port_ = 0;
  int listening_ = -1;
  std::map<int, int> other_end_;  // both ways
  std::atomic<Mode> mode_{Mode::kPass};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace skerry::test
