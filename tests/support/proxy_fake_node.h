// A node as the proxy sees it, of whatever state a test wants.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "proxy/node_view.h"

namespace skerry::proxy {

class FakeNode final : public NodeView {
 public:
  void set(const NodeState& state) {
    change([&] { state_ = state; });
  }
  void set(const Freshness& freshness) {
    change([&] { freshness_ = freshness; });
  }
  void set_position(const std::string& database, Txid txid, Epoch epoch) {
    change([&] {
      const DbKey key = db_key(database);
      const auto at = std::ranges::lower_bound(positions_, key, {}, &DbPosition::key);
      if (at != positions_.end() && at->key == key) {
        *at = {key, txid, epoch};
      } else {
        positions_.insert(at, {key, txid, epoch});
      }
    });
  }
  // Its last transaction is committed, but not seen by applications.
  void set_appearing(const std::string& database, bool appearing) {
    change([&] {
      for (DbPosition& one : positions_) {
        if (one.key == db_key(database)) one.appearing = appearing;
      }
    });
  }
  void refuse_write() {
    const std::lock_guard lock(mutex_);
    ++refused_;
  }
  // As if `replicas` had acknowledged everything up to here.
  void set_acknowledged(unsigned replicas, Txid txid) {
    change([&] {
      replicas_ = replicas;
      acknowledged_ = txid;
    });
  }

  uint64_t version() const override {
    const std::lock_guard lock(mutex_);
    return version_;
  }
  NodeState state() const override {
    const std::lock_guard lock(mutex_);
    return state_;
  }
  Freshness freshness() const override {
    const std::lock_guard lock(mutex_);
    return freshness_;
  }
  void positions(std::vector<DbPosition>& out) const override {
    const std::lock_guard lock(mutex_);
    out = positions_;
  }
  void look_for_appearing() override {
    const std::lock_guard lock(mutex_);
    ++looks_;
  }
  uint64_t looks() const {
    const std::lock_guard lock(mutex_);
    return looks_;
  }
  uint64_t refused_writes() const override {
    const std::lock_guard lock(mutex_);
    return refused_;
  }
  bool acknowledged(const std::vector<DbPosition>& positions, unsigned replicas) const override {
    const std::lock_guard lock(mutex_);
    return replicas_ >= replicas && std::ranges::all_of(positions, [&](const DbPosition& one) {
             return one.txid <= acknowledged_;
           });
  }
  void notify_once(std::move_only_function<void()> changed) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(changed));
  }

 private:
  template <typename Change>
  void change(Change&& change) {
    std::vector<std::move_only_function<void()>> waiting;
    {
      const std::lock_guard lock(mutex_);
      change();
      ++version_;
      waiting.swap(waiting_);
    }
    for (auto& call : waiting) call();
  }

  mutable std::mutex mutex_;
  uint64_t version_ = 1;
  NodeState state_;
  Freshness freshness_;
  std::vector<DbPosition> positions_;
  uint64_t refused_ = 0;
  uint64_t looks_ = 0;
  unsigned replicas_ = 0;
  Txid acknowledged_;
  std::vector<std::move_only_function<void()>> waiting_;
};

}  // namespace skerry::proxy
