#include "daemon/fusefs/request_threads.h"

#include <pthread.h>

#include <string>

namespace skerry::fusefs {

class RequestThreads::Observer final : public os::BlockingObserver {
 public:
  explicit Observer(RequestThreads& threads) : threads_(threads) {}
  void will_block() override { threads_.will_block(); }
  void has_blocked() override { threads_.has_blocked(); }

 private:
  RequestThreads& threads_;
};

RequestThreads::RequestThreads(std::function<bool()> serve_one)
    : serve_one_(std::move(serve_one)) {}

RequestThreads::~RequestThreads() {
  join();
}

void RequestThreads::start() {
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < kReaders; ++i) start_thread();
}

void RequestThreads::start_thread() {
  ++active_;
  const int index = static_cast<int>(threads_.size());
  threads_.emplace_back([this, index] { run(index); });
}

void RequestThreads::run(int index) {
  ::pthread_setname_np(::pthread_self(), ("fuse-" + std::to_string(index)).c_str());
  Observer observer(*this);
  os::observe_blocking(&observer);
  while (stand_by() && serve_one_()) {
  }
  const std::lock_guard lock(mutex_);
  --active_;
  ended_ = true;
  changed_.notify_all();
}

// Waits while enough others read.
bool RequestThreads::stand_by() {
  std::unique_lock lock(mutex_);
  if (active_ <= kReaders || ended_) return !ended_;
  --active_;
  ++idle_;
  changed_.wait(lock, [this] { return active_ < kReaders || ended_; });
  --idle_;
  ++active_;
  return !ended_;
}

void RequestThreads::will_block() {
  const std::lock_guard lock(mutex_);
  --active_;
  if (active_ >= kReaders || ended_) return;
  if (idle_ > 0) {
    changed_.notify_one();
  } else if (threads_.size() < kThreadsMax) {
    start_thread();
  }
}

void RequestThreads::has_blocked() {
  const std::lock_guard lock(mutex_);
  ++active_;
}

void RequestThreads::join() {
  std::vector<std::thread> threads;
  {
    std::unique_lock lock(mutex_);
    if (threads_.empty()) return;
    changed_.wait(lock, [this] { return ended_ && active_ == 0; });
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace skerry::fusefs
