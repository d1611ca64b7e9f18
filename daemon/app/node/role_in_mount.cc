#include "daemon/app/node/role_in_mount.h"

#include "daemon/log/log.h"

namespace skerry::app {

void RoleInMount::connect(store::Store& store, fusefs::Notifier& notifier, peer::Peer& peer) {
  const std::lock_guard lock(mutex_);
  store_ = &store;
  notifier_ = &notifier;
  peer_ = &peer;
}

static void remove_ended_journal(db::Database& database, fusefs::Notifier& notifier) {
  const auto removed = database.remove_ended_journal();
  if (!removed) {
    log::warn("journal-remove", removed.error().message(), {{"db", database.name()}});
  } else if (*removed) {
    notifier.invalidate_name(database.name() + "-journal");
  }
}

void RoleInMount::show(bool is_primary) {
  const std::lock_guard lock(mutex_);
  if (store_ == nullptr) return;
  for (const auto& database : store_->list()) {
    if (!is_primary) remove_ended_journal(*database, *notifier_);
    if (is_primary && database->has_unjournaled_changes()) peer_->unjournaled_changes(database);
    for (const auto kind : db::kFileKinds) {
      const uint64_t id = database->file_id(kind);
      if (id != 0) notifier_->invalidate_attributes(id);
    }
  }
}

}  // namespace skerry::app
