#include "daemon/app/node/kernel_cache.h"

#include "daemon/db/database.h"

namespace skerry::app {

void MountCache::invalidate(const db::Database& database, db::FileKind kind, uint64_t offset,
                            uint64_t bytes) {
  fusefs::Notifier* notifier = notifier_;
  const uint64_t id = database.file_id(kind);
  if (notifier != nullptr && id != 0) notifier->invalidate(id, offset, bytes);
}

}  // namespace skerry::app
