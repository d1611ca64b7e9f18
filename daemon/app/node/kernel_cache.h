// db::KernelCache over the mount's notifier.
#pragma once

#include <atomic>

#include "daemon/db/kernel_cache.h"
#include "daemon/fusefs/notifier.h"

namespace skerry::app {

class MountCache final : public db::KernelCache {
 public:
  // Before it is connected nothing of the mount is cached, by this worker's doing.
  void connect(fusefs::Notifier* notifier) { notifier_ = notifier; }
  void invalidate(const db::Database& database, db::FileKind kind, uint64_t offset,
                  uint64_t bytes) override;

 private:
  std::atomic<fusefs::Notifier*> notifier_{nullptr};
};

}  // namespace skerry::app
