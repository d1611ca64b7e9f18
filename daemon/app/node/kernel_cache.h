// db::KernelCache over the mount's session and its notifier.
#pragma once

#include <atomic>

#include "daemon/db/kernel_cache.h"
#include "daemon/fusefs/notifier.h"
#include "daemon/fusefs/session.h"
#include "daemon/peer/peer.h"

namespace skerry::app {

class MountCache final : public db::KernelCache {
 public:
  // Before it is connected nothing of the mount is cached, by this worker's doing.
  void connect(fusefs::Session* session, fusefs::Notifier* notifier, peer::Peer* peer) {
    session_ = session;
    notifier_ = notifier;
    peer_ = peer;
  }
  void invalidate(const db::Database& database, db::FileKind kind, uint64_t offset,
                  uint64_t bytes) override;
  void warm_wal(db::Database& database) override;
  void extend_wal(db::Database& database, uint64_t at, uint64_t bytes) override;
  void store(const db::Database& database, db::FileKind kind, uint64_t offset,
             ByteView data) override;
  void forget(const db::Database& database, db::FileKind kind, uint64_t offset,
              uint64_t bytes) override;
  void forget_name(const std::string& name) override;

 private:
  std::atomic<fusefs::Session*> session_{nullptr};
  std::atomic<fusefs::Notifier*> notifier_{nullptr};
  std::atomic<peer::Peer*> peer_{nullptr};
};

}  // namespace skerry::app
