#include "daemon/app/node/proxy_view.h"

#include <algorithm>
#include <utility>

#include "proxy/primary_address.h"

namespace skerry::app {

void ProxyView::opened(const store::Store& store) {
  for (const auto& database : store.list()) {
    const db::Database::Info info = database->info();
    // A predecessor may have answered a commit that its writer is about to publish.
    set({proxy::db_key(database->name()), info.position.txid, info.epoch, info.wal_frames > 0},
        database);
  }
}

void ProxyView::ready(Sources sources) {
  sources_ = std::move(sources);
  ready_.store(true, std::memory_order_release);
  changed();
}

void ProxyView::changed() {
  std::vector<std::move_only_function<void()>> waiting;
  {
    const std::lock_guard lock(mutex_);
    version_.fetch_add(1, std::memory_order_acq_rel);
    waiting.swap(waiting_);
  }
  for (auto& call : waiting) call();
}

void ProxyView::set_handing_over(bool handing_over) {
  handing_over_ = handing_over;
  changed();
}

void ProxyView::set_taking_over(bool taking_over) {
  taking_over_ = taking_over;
  changed();
}

void ProxyView::committed(db::Database& database, const db::Transaction& transaction) {
  const proxy::DbKey key = proxy::db_key(database.name());
  if (!tracked_.contains(key)) return;
  set({key, transaction.header.max_txid, transaction.header.epoch, transaction.appears_later},
      database.weak_from_this());
  changed();
}

// A snapshot may take a database back, to the history that the cluster agrees on.
void ProxyView::set(proxy::DbPosition position, std::weak_ptr<db::Database> database) {
  if (!tracked_.contains(position.key)) return;
  const std::lock_guard lock(mutex_);
  if (position.appearing) appearing_[position.key] = {std::move(database), false};
  const auto at = std::ranges::lower_bound(positions_, position.key, {}, &proxy::DbPosition::key);
  if (at != positions_.end() && at->key == position.key) {
    *at = position;
  } else {
    positions_.insert(at, position);
  }
}

void ProxyView::look_for_appearing() {
  std::vector<std::pair<proxy::DbKey, std::shared_ptr<db::Database>>> due;
  {
    const std::lock_guard lock(mutex_);
    for (const proxy::DbPosition& position : positions_) {
      if (!position.appearing) continue;
      Appearing& one = appearing_[position.key];
      if (!std::exchange(one.looked_for, true)) due.emplace_back(position.key, one.database.lock());
    }
  }
  const bool can_look = ready_.load(std::memory_order_acquire) && sources_.when_visible;
  for (auto& [key, database] : due) {
    if (!database || !can_look) {
      seen(key, Txid(UINT64_MAX));
      continue;
    }
    sources_.when_visible(std::move(database), [this, at = key](std::optional<Txid> up_to) {
      seen(at, up_to);
    });
  }
}

// Nothing: its writer takes long, and who comes next has it looked for again.
void ProxyView::seen(proxy::DbKey key, std::optional<Txid> up_to) {
  {
    const std::lock_guard lock(mutex_);
    const auto at = std::ranges::lower_bound(positions_, key, {}, &proxy::DbPosition::key);
    const bool all = up_to && at != positions_.end() && at->key == key && at->txid <= *up_to;
    if (all) at->appearing = false;
    // If it moved on since, that was looked for anew, or will be.
    if (all || !up_to) appearing_[key].looked_for = false;
    if (!all) return;
  }
  changed();
}

proxy::NodeState ProxyView::state() const {
  const lease::LeaseState lease = role_.state();
  proxy::NodeState state;
  state.ready = ready_.load(std::memory_order_acquire);
  // Between its right's end and the successor's begin it is the primary that takes no writes.
  const bool yields = lease.phase == lease::Phase::kYielded;
  state.is_primary = role_.is_primary() || yields;
  state.handing_over = state.is_primary && (yields || handing_over_);
  state.epoch = role_.epoch();
  // Whom the lease names is not the primary any more; it names this node already, and the two of
  // them would send a request to and fro.
  const bool taking_over = taking_over_ && !state.is_primary;
  state.primary_known = lease.primary.has_value() && !taking_over;
  if (!state.primary_known) return state;
  state.primary_hostname = lease.primary->hostname;
  if (const auto api = proxy::address_of_url(lease.primary->advertise_url)) {
    state.primary_api_host = api->host;
  }
  return state;
}

proxy::Freshness ProxyView::freshness() const {
  const bool known = ready_.load(std::memory_order_acquire) && sources_.freshness;
  return known ? sources_.freshness() : proxy::Freshness();
}

void ProxyView::positions(std::vector<proxy::DbPosition>& out) const {
  const std::lock_guard lock(mutex_);
  out = positions_;
}

bool ProxyView::acknowledged(const std::vector<proxy::DbPosition>& positions,
                             unsigned replicas) const {
  const bool known = ready_.load(std::memory_order_acquire) && sources_.acknowledged;
  return known && sources_.acknowledged(positions, replicas);
}

void ProxyView::notify_once(std::move_only_function<void()> changed) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(changed));
}

}  // namespace skerry::app
