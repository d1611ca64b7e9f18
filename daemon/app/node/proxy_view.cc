#include "daemon/app/node/proxy_view.h"

#include <algorithm>

#include "proxy/primary_address.h"

namespace skerry::app {

void ProxyView::opened(const store::Store& store) {
  for (const auto& database : store.list()) {
    const db::Database::Info info = database->info();
    set({proxy::db_key(database->name()), info.position.txid, info.epoch});
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

void ProxyView::committed(db::Database& database, const db::Transaction& transaction) {
  const proxy::DbKey key = proxy::db_key(database.name());
  if (!tracked_.contains(key)) return;
  set({key, transaction.header.max_txid, transaction.header.epoch});
  changed();
}

// A snapshot may take a database back, to the history that the cluster agrees on.
void ProxyView::set(proxy::DbPosition position) {
  if (!tracked_.contains(position.key)) return;
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::lower_bound(positions_, position.key, {}, &proxy::DbPosition::key);
  if (at != positions_.end() && at->key == position.key) {
    *at = position;
  } else {
    positions_.insert(at, position);
  }
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
  state.primary_known = lease.primary.has_value();
  if (!lease.primary) return state;
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
