#include "daemon/cluster/clerk.h"

namespace skerry::cluster {

Clerk::Clerk(std::function<void()> routine, std::chrono::milliseconds interval)
    : routine_(std::move(routine)), interval_(interval) {}

Clerk::~Clerk() {
  stop();
}

void Clerk::start() {
  thread_ = std::thread([this] { run(); });
}

void Clerk::stop() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Clerk::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void Clerk::run() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    if (jobs_.empty()) {
      lock.unlock();
      routine_();
      lock.lock();
      changed_.wait_for(lock, interval_, [this] { return ended_ || !jobs_.empty(); });
      continue;
    }
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace skerry::cluster
