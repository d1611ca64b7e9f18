#include "daemon/app/node/kernel_cache.h"

#include "daemon/db/database.h"

namespace skerry::app {

void MountCache::invalidate(const db::Database& database, db::FileKind kind, uint64_t offset,
                            uint64_t bytes) {
  fusefs::Notifier* notifier = notifier_;
  const uint64_t id = database.file_id(kind);
  if (notifier != nullptr && id != 0) notifier->invalidate(id, offset, bytes);
}

void MountCache::store(const db::Database& database, db::FileKind kind, uint64_t offset,
                       ByteView data) {
  fusefs::Session* session = session_;
  const uint64_t id = database.file_id(kind);
  if (session != nullptr && id != 0) session->store(id, offset, data);
}

void MountCache::forget(const db::Database& database, db::FileKind kind, uint64_t offset,
                        uint64_t bytes) {
  fusefs::Session* session = session_;
  const uint64_t id = database.file_id(kind);
  if (session != nullptr && id != 0) session->invalidate_node(id, offset, bytes);
}

void MountCache::forget_name(const std::string& name) {
  fusefs::Session* session = session_;
  if (session != nullptr) session->invalidate_name(name);
}

void MountCache::warm_wal(db::Database& database) {
  peer::Peer* peer = peer_;
  if (peer != nullptr) peer->warm_wal(database.shared_from_this());
}

void MountCache::extend_wal(db::Database& database, uint64_t at, uint64_t bytes) {
  peer::Peer* peer = peer_;
  if (peer != nullptr) peer->extend_wal(database.shared_from_this(), at, bytes);
}

}  // namespace skerry::app
