// A connected socket, without blocking: what can be read is read, what cannot be sent at once is
// kept. Keeps no buffer while there is nothing to keep.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/os/fd.h"

namespace skerry::proxy {

class Stream {
 public:
  explicit Stream(os::Fd fd) : fd_(std::move(fd)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }

  // epoll's events.
  void note(uint32_t events);

  struct Got {
    enum class What : uint8_t { kBytes, kNothing, kEnd, kFailed };
    What what;
    size_t bytes = 0;
  };
  // kNothing: an event will follow once there is more.
  [[nodiscard]] Got read(char* to, size_t bytes_max);

  // Open in both directions, and there is nothing to read.
  [[nodiscard]] bool is_quiet();

  // In order, behind what is still kept. Callers bound what they send while unsent() is not 0.
  void send(std::string_view bytes);
  void flush();
  [[nodiscard]] size_t unsent() const { return out_.size() - out_sent_; }
  // Ends this direction once everything is sent.
  void end_sending();

  // The other side has closed both directions, or the connection is broken.
  [[nodiscard]] bool hung_up() const { return hung_up_; }
  // Nothing more arrives than what is there.
  [[nodiscard]] bool peer_ended() const { return peer_ended_; }
  [[nodiscard]] bool cannot_send() const { return send_failed_; }
  [[nodiscard]] bool ended_sending() const { return ended_; }

  [[nodiscard]] uint64_t bytes_sent() const { return bytes_sent_; }
  // How much of it the other side's kernel has acknowledged.
  [[nodiscard]] uint64_t bytes_acknowledged() const;

  void close() { fd_.reset(); }
  // So that the other side sees an error, not an end that looks complete.
  void abort();

 private:
  [[nodiscard]] size_t send_now(std::string_view bytes);

  os::Fd fd_;
  std::string out_;  // what the kernel did not take yet
  size_t out_sent_ = 0;
  uint64_t bytes_sent_ = 0;
  bool readable_ = false;
  bool writable_ = true;
  bool peer_ended_ = false;
  bool hung_up_ = false;
  bool send_failed_ = false;
  bool end_wanted_ = false;
  bool ended_ = false;
};

}  // namespace skerry::proxy
