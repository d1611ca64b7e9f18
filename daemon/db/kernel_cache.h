// The kernel's cache of the mounted files as a seam. What this process writes to a database's files
// behind the kernel's back must be told to it.
#pragma once

#include "daemon/db/file_kind.h"
#include "ltx/base/bytes.h"

namespace skerry::db {

class Database;

// Calls return at once and may be made with the database's mutex held; the kernel is told from
// another thread, never from one that answers its requests.
class KernelCache {
 public:
  virtual ~KernelCache() = default;
  // Drops cached content from `offset` on (`bytes` == 0: to the end) and the file's attributes.
  virtual void invalidate(const Database& database, FileKind kind, uint64_t offset,
                          uint64_t bytes) = 0;
};

}  // namespace skerry::db
