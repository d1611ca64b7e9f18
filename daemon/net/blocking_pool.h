// Threads for work that blocks: disk, SQLite's locks, another node. Bounded in threads and in what
// waits for them; whoever finds it full says so to its client.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace skerry::net {

class BlockingPool {
 public:
  using Work = std::move_only_function<void()>;

  // Threads are named "<name>-0", "<name>-1", …
  BlockingPool(const std::string& name, size_t threads, size_t queue_max);
  ~BlockingPool();  // stop()
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Any thread; does not block. False: `queue_max` wait already, or it is stopped; the work is
  // destroyed unrun.
  [[nodiscard]] bool submit(Work work);

  // Runs what was submitted to its end. Not from one of its threads.
  void stop();

 private:
  void run(const std::string& thread_name);

  const size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;  // guarded by mutex_
  bool stopped_ = false;    // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace skerry::net
