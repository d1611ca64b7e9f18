// What the role changes in the mount: the files' modes, on a replica which journals there are, and
// on a primary that changes without a journal may be committed now.
#pragma once

#include <mutex>

#include "daemon/fusefs/notifier.h"
#include "daemon/peer/peer.h"
#include "daemon/store/store.h"

namespace skerry::app {

// Threads: any.
class RoleInMount {
 public:
  // The mount is served from now on; all outlive this.
  void connect(store::Store& store, fusefs::Notifier& notifier, peer::Peer& peer);
  // Called with each change of the role.
  void show(bool is_primary);

 private:
  std::mutex mutex_;
  store::Store* store_ = nullptr;         // guarded by mutex_
  fusefs::Notifier* notifier_ = nullptr;  // guarded by mutex_
  peer::Peer* peer_ = nullptr;            // guarded by mutex_
};

}  // namespace skerry::app
