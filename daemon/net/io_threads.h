// The few threads that wait for sockets and timers. Each runs an event loop of its own: what is
// started on one loop stays on its thread, so a connection needs no lock.
//
// Nothing on them may block: what does belongs on a BlockingPool.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace skerry::net {

class IoThreads {
 public:
  // Threads are named "<name>-0", "<name>-1", … and run at once.
  IoThreads(const std::string& name, size_t count);
  ~IoThreads();  // stop()
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  [[nodiscard]] size_t size() const { return loops_.size(); }
  [[nodiscard]] boost::asio::io_context& at(size_t index);
  // Each in its turn. Any thread.
  [[nodiscard]] boost::asio::io_context& next();

  // Ends the threads. What still waits on a loop is dropped with the loop, without being called:
  // stop task groups before. Not from one of the threads.
  void stop();

 private:
  struct Loop;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<size_t> turn_{0};
};

}  // namespace skerry::net
