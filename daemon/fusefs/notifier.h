// Tells the kernel what changed behind its back, from a thread of its own: the kernel may wait for
// a page that a request thread must deliver.
#pragma once

#include <condition_variable>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "ltx/base/bytes.h"

namespace skerry::fusefs {

class Notifier {
 public:
  static constexpr uint64_t kAttributesOnly = std::numeric_limits<uint64_t>::max();

  // Called on the notifier's thread only. `bytes` == 0: to the end of the file; kAttributesOnly: no
  // content at all.
  struct Calls {
    std::function<void(uint64_t id, uint64_t offset, uint64_t bytes)> invalidate_node;
    std::function<void(const std::string& name)> invalidate_name;
  };
  explicit Notifier(Calls calls);
  ~Notifier();

  // Return at once. What piles up is merged per file, so the queue is bounded by the files.
  void invalidate(uint64_t id, uint64_t offset, uint64_t bytes);
  void invalidate_attributes(uint64_t id);
  void invalidate_name(const std::string& name);

 private:
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  void add(uint64_t id, Range range);
  void run();

  const Calls calls_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, Range> nodes_;    // guarded by mutex_
  std::map<std::string, bool> names_;  // guarded by mutex_
  bool stop_ = false;                  // guarded by mutex_
  std::thread thread_;
};

}  // namespace skerry::fusefs
