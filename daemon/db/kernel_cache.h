// The kernel's cache of the mounted files as a seam. What this process writes to a database's files
// behind the kernel's back must be told to it.
#pragma once

#include <string>

#include "daemon/db/file_kind.h"
#include "ltx/base/bytes.h"

namespace skerry::db {

class Database;

class KernelCache {
 public:
  virtual ~KernelCache() = default;

  // Drops cached content from `offset` on (`bytes` == 0: to the end) and the file's attributes.
  // Returns at once and may be called with the database's mutex held; the kernel is told from
  // another thread, never from one that answers its requests.
  virtual void invalidate(const Database& database, FileKind kind, uint64_t offset,
                          uint64_t bytes) = 0;
  // The WAL is about to be overwritten from its start, in pieces that are no pages. The kernel cuts
  // each such write at every page that it does not have whole: have it read them first.
  virtual void warm_wal(Database& database) = 0;
  // The same for a WAL that grows fast: make it longer by `bytes` from its end, `at`, with zeros
  // that the kernel has. Zeros end a WAL as the end of its file does.
  virtual void extend_wal(Database& database, uint64_t at, uint64_t bytes) = 0;

  // The calls below have happened when they return. They wait for requests that this process
  // answers: not from a request thread, and with no lock held that such a thread takes.

  // Puts content into the cache; the file's size grows to hold it.
  virtual void store(const Database& database, FileKind kind, uint64_t offset, ByteView data) = 0;
  // As invalidate().
  virtual void forget(const Database& database, FileKind kind, uint64_t offset, uint64_t bytes) = 0;
  // A name of the mount stands for another file now, or for none.
  virtual void forget_name(const std::string& name) = 0;
};

}  // namespace skerry::db
