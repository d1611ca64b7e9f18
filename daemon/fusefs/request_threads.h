// The threads that answer the kernel. Two read requests; when one is about to block (fsync, a large
// transaction), another takes its place, so that a blocked request delays no other. Measured: one
// reader adds milliseconds behind another client's fsync, four lose 40 % to each other.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/os/blocking.h"

namespace skerry::fusefs {

class RequestThreads {
 public:
  static constexpr int kReaders = 2;
  static constexpr int kThreadsMax = 24;  // readers and blocked ones; past that, requests wait

  // `serve_one` reads and answers one request; false ends the thread (the mount is gone).
  explicit RequestThreads(std::function<bool()> serve_one);
  ~RequestThreads();

  void start();
  // Returns once serve_one has returned false in every thread.
  void join();

 private:
  class Observer;
  void run(int index);
  [[nodiscard]] bool stand_by();  // false: the end
  void will_block();
  void has_blocked();
  void start_thread();  // with mutex_ held

  const std::function<bool()> serve_one_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;  // guarded by mutex_, as the rest
  int active_ = 0;                    // reading, or answering without blocking
  int idle_ = 0;                      // standing by
  bool ended_ = false;
};

}  // namespace skerry::fusefs
