// One thread for what the lease's thread must not wait for: small writes to disk, telling others,
// and looking at the databases at intervals. Jobs run in order.
//
// Threads: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace skerry::cluster {

class Clerk {
 public:
  using Job = std::move_only_function<void()>;

  // `routine` is done every `interval`, between jobs.
  Clerk(std::function<void()> routine, std::chrono::milliseconds interval);
  ~Clerk();  // stop()
  Clerk(const Clerk&) = delete;
  Clerk& operator=(const Clerk&) = delete;

  void start();
  // Jobs that wait are dropped.
  void stop();
  // Few and small: they come from the lease, a handful a second at most.
  void post(Job job);

 private:
  void run();

  const std::function<void()> routine_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;  // guarded by mutex_
  bool ended_ = false;    // guarded by mutex_
  std::thread thread_;
};

}  // namespace skerry::cluster
