#include "daemon/fusefs/notifier.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace skerry::fusefs {

Notifier::Notifier(Calls calls) : calls_(std::move(calls)), thread_([this] { run(); }) {}

Notifier::~Notifier() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

static constexpr uint64_t kEnd = std::numeric_limits<uint64_t>::max();

void Notifier::invalidate(uint64_t id, uint64_t offset, uint64_t bytes) {
  add(id, {offset, bytes == 0 ? kEnd : offset + bytes});
}

// An empty range; each content's invalidation takes the attributes along.
void Notifier::invalidate_attributes(uint64_t id) {
  add(id, {kEnd, 0});
}

void Notifier::add(uint64_t id, Range range) {
  {
    const std::lock_guard lock(mutex_);
    const auto [at, inserted] = nodes_.try_emplace(id, range);
    if (!inserted) {
      at->second = {std::min(at->second.begin, range.begin), std::max(at->second.end, range.end)};
    }
  }
  changed_.notify_one();
}

static uint64_t bytes_of(uint64_t begin, uint64_t end) {
  if (end == 0) return Notifier::kAttributesOnly;
  return end == kEnd ? 0 : end - begin;
}

void Notifier::invalidate_name(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    names_[name] = true;
  }
  changed_.notify_one();
}

void Notifier::run() {
  ::pthread_setname_np(::pthread_self(), "fuse-notify");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !nodes_.empty() || !names_.empty(); });
    if (stop_) return;
    const auto nodes = std::exchange(nodes_, {});
    const auto names = std::exchange(names_, {});
    lock.unlock();
    for (const auto& [id, range] : nodes) {
      calls_.invalidate_node(id, range.begin, bytes_of(range.begin, range.end));
    }
    for (const auto& [name, unused] : names) calls_.invalidate_name(name);
    lock.lock();
  }
}

}  // namespace skerry::fusefs
