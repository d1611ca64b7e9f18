#include "daemon/net/blocking_pool.h"

#include <fmt/format.h>
#include <pthread.h>

#include "daemon/log/log.h"

namespace skerry::net {

BlockingPool::BlockingPool(const std::string& name, size_t threads, size_t queue_max)
    : queue_max_(queue_max) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back(&BlockingPool::run, this, fmt::format("{}-{}", name, i));
  }
}

BlockingPool::~BlockingPool() {
  stop();
}

bool BlockingPool::submit(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

void BlockingPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void BlockingPool::run(const std::string& thread_name) {
  ::pthread_setname_np(::pthread_self(), thread_name.substr(0, 15).c_str());
  for (;;) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      work();
    } catch (const std::exception& error) {  // a bug; the thread goes on
      log::error("pool-exception", error.what(), {{"thread", thread_name}});
    }
  }
}

}  // namespace skerry::net
