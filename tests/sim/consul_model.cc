#include "tests/sim/consul_model.h"

#include <algorithm>

namespace skerry::sim {

using lease::Op;
using lease::Verdict;
using Time = lease::Time;

Time ConsulModel::deadline(Time now) {
  std::uniform_int_distribution<int64_t> slack(0, options_.ttl.count());
  return now + options_.ttl + lease::Duration(slack(random_));
}

std::string ConsulModel::make_session(Time now) {
  ++index_;
  const std::string id = "session-" + std::to_string(++last_session_);
  sessions_[id] = deadline(now);
  return id;
}

bool ConsulModel::renew(const std::string& session, Time now) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return false;
  found->second = deadline(now);
  return true;
}

void ConsulModel::destroy(const std::string& session, Time now) {
  if (sessions_.erase(session) == 0) return;
  ++index_;
  std::erase_if(store_, [&](const auto& entry) {
    if (entry.second.session != session) return false;
    delayed_until_[entry.first] = now + options_.lock_delay;
    return true;
  });
  changed();
}

bool ConsulModel::apply(const Op& op, Store& store, uint64_t index) const {
  const Key key{op.place, op.name};
  const auto found = store.find(key);
  const bool exists = found != store.end();
  const uint64_t at = exists ? found->second.index : 0;
  switch (op.verb) {
    case Op::Verb::kSet:
    case Op::Verb::kCas: {
      if (op.verb == Op::Verb::kCas && at != op.index) return false;
      Entry& entry = store[key];
      entry.value = op.value;
      entry.index = index;
      return true;
    }
    case Op::Verb::kLock: {
      if (exists && !found->second.session.empty() && found->second.session != op.session) {
        return false;
      }
      store[key] = {op.value, op.session, index};
      return true;
    }
    case Op::Verb::kDelete:
      store.erase(key);
      return true;
    case Op::Verb::kDeleteCas:
      if (!exists || at != op.index) return false;
      store.erase(found);
      return true;
    case Op::Verb::kCheckIndex:
      return exists && at == op.index;
    case Op::Verb::kCheckSession:
      return exists && found->second.session == op.session;
    case Op::Verb::kCheckNotExists:
      return !exists;
  }
  return false;
}

ConsulModel::Written ConsulModel::apply(const lease::Ops& ops, Time now) {
  Store after = store_;
  for (const Op& op : ops) {
    if (op.verb == Op::Verb::kLock) {
      const auto delayed = delayed_until_.find({op.place, op.name});
      if (delayed != delayed_until_.end() && now < delayed->second) return {Verdict::kDelayed, 0};
      if (!sessions_.contains(op.session)) return {Verdict::kNoSession, 0};
    }
    if (!apply(op, after, index_ + 1)) return {Verdict::kRefused, 0};
  }
  store_ = std::move(after);
  ++index_;
  changed();
  return {Verdict::kApplied, index_};
}

lease::View ConsulModel::view() const {
  lease::View view;
  view.index = index_;
  for (const auto& [key, entry] : store_) {
    switch (key.first) {
      case Op::Place::kLease:
        view.key =
            lease::View::Key{std::get<lease::Holder>(entry.value), entry.session, entry.index};
        break;
      case Op::Place::kRecord:
        view.beside = lease::View::Beside{std::get<lease::Record>(entry.value), entry.index};
        break;
      case Op::Place::kClusterId:
        view.cluster_id = std::get<std::string>(entry.value);
        break;
      case Op::Place::kNode:
        view.nodes.push_back({std::get<lease::NodeEntry>(entry.value), entry.index});
        break;
    }
  }
  return view;
}

Time ConsulModel::next_expiry() const {
  Time next = lease::kNever;
  for (const auto& [id, end] : sessions_) next = std::min(next, end);
  return next;
}

void ConsulModel::expire(Time now) {
  std::vector<std::string> ended;
  for (const auto& [id, end] : sessions_) {
    if (end <= now) ended.push_back(id);
  }
  for (const std::string& id : ended) destroy(id, now);
}

void ConsulModel::restart(Time now) {
  for (auto& [id, end] : sessions_) end = deadline(now);
  delayed_until_.clear();  // kept in the leader's memory
}

void ConsulModel::delete_by_hand(Op::Place place) {
  ++index_;
  std::erase_if(store_, [&](const auto& entry) { return entry.first.first == place; });
  changed();
}

void ConsulModel::delete_everything() {
  ++index_;
  store_.clear();
  changed();
}

std::string ConsulModel::holder_session() const {
  const auto found = store_.find({Op::Place::kLease, ""});
  return found == store_.end() ? "" : found->second.session;
}

void ConsulModel::changed() {
  changed_();
}

}  // namespace skerry::sim
