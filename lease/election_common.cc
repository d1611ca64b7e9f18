// Election: what every node does, whether it holds the lease or not.
#include <fmt/format.h>

#include <algorithm>

#include "lease/election.h"

namespace skerry::lease {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kLooking:
      return "looking";
    case Phase::kFollowing:
      return "following";
    case Phase::kWaiting:
      return "waiting";
    case Phase::kSurveying:
      return "surveying";
    case Phase::kCatchingUp:
      return "catching up";
    case Phase::kStanding:
      return "standing";
    case Phase::kPrimary:
      return "primary";
    case Phase::kLapsed:
      return "lapsed";
    case Phase::kYielded:
      return "yielded";
    case Phase::kReleased:
      return "released";
  }
  return "unknown";
}

std::string to_string(const Standing& standing) {
  return fmt::format("epoch {}, {} transactions", standing.epoch.value(), standing.transactions);
}

bool Election::due(Time at) {
  if (now_ >= at) return true;
  wake_at_ = std::min(wake_at_, at);
  return false;
}

void Election::look_now() {
  looking_ = true;
  look_waits_ = false;
  emit(action::Look{++look_, 0});
}

void Election::keep_looking() {
  if (looking_ || !due(next_look_)) return;
  looking_ = true;
  look_waits_ = view_.has_value();
  emit(action::Look{++look_, view_ ? view_->index : 0});
}

void Election::keep_session(bool wanted) {
  if (making_session_ || renewing_ || !due(next_session_)) return;
  if (session_.empty()) {
    if (!wanted) return;
    making_session_ = true;
    emit(action::MakeSession{});
  } else {
    if (!due(renewal_sent_ + settings_.terms.session_ttl / 3)) return;
    renewing_ = true;
    emit(action::Renew{session_});
  }
  renewal_sent_ = now_;
}

void Election::session_ended(const std::string& session) {
  if (session != session_) return;
  session_.clear();
  renewing_ = false;
  next_session_ = now_;
}

static const View::Node* find_entry(const View& view, const std::string& name) {
  const auto found = std::ranges::find(
      view.nodes, name,
      [](const View::Node& node) -> const std::string& { return node.entry.peer.name; });
  return found == view.nodes.end() ? nullptr : &*found;
}

void Election::keep_registered() {
  if (!view_ || writing(WriteKind::kRegister)) return;
  const View::Node* entry = find_entry(*view_, settings_.self.name);
  if (!due(registered_at_ + kSurveyBound)) return;
  const bool is_there = entry != nullptr && entry->entry.node == settings_.node;
  const bool may_miss_it = view_look_ <= registered_look_;
  if (is_there || may_miss_it) {
    if (!due(next_registration_)) return;
  }
  registered_at_ = now_;
  next_registration_ = now_ + kRegisterEvery;
  const NodeEntry value{settings_.self, settings_.candidate, settings_.node, ++counter_};
  write(WriteKind::kRegister,
        {{Op::Verb::kSet, Op::Place::kNode, settings_.self.name, 0, "", value}});
}

// Another process writes an entry under this node's name after this one did: not its predecessor.
void Election::note_name_conflict(const View& seen) {
  if (!registered_ || look_ <= registered_look_) return;
  const View::Node* entry = find_entry(seen, settings_.self.name);
  if (entry == nullptr || entry->entry.node == settings_.node) return;
  if (now_ > name_conflict_at_ + kNameConflictLasts) name_conflicts_ = 0;
  name_conflict_at_ = now_;
  ++name_conflicts_;
  registered_ = false;  // until this node has written it again
}

void Election::remember_entries(const View& seen) {
  std::map<std::string, Time> since;
  for (const View::Node& node : seen.nodes) {
    const std::string& name = node.entry.peer.name;
    const View::Node* before = view_ ? find_entry(*view_, name) : nullptr;
    const auto known = entry_seen_.find(name);
    const bool is_same =
        before != nullptr && before->index == node.index && known != entry_seen_.end();
    since[name] = is_same ? known->second : now_;
  }
  entry_seen_ = std::move(since);
}

void Election::adopt_cluster_id() {
  if (!has_facts_ || !view_ || view_->cluster_id.empty() ||
      facts_.cluster_id == view_->cluster_id) {
    return;
  }
  if (!facts_.cluster_id.empty() && !facts_.standing.blank()) return;
  const bool belongs = state_.phase == Phase::kPrimary || state_.phase == Phase::kFollowing;
  if (!belongs) return;
  facts_.cluster_id = view_->cluster_id;
  emit(action::AdoptClusterId{view_->cluster_id});
}

void Election::learn_epoch(Epoch epoch, bool holder) {
  if (epoch <= seen_epoch_ && !holder) return;
  seen_epoch_ = std::max(seen_epoch_, epoch);
  emit(action::Persist{epoch, holder});
}

void Election::write(WriteKind kind, Ops ops, std::optional<Record> record) {
  writes_.emplace(++last_write_, Pending{kind, now_, session_, std::move(record)});
  emit(action::Write{last_write_, std::move(ops)});
}

bool Election::writing(WriteKind kind) const {
  return std::ranges::any_of(writes_, [kind](const auto& w) { return w.second.kind == kind; });
}

Holder Election::holder_value() {
  return {{settings_.self.name, settings_.self.url},
          true,
          term(),
          settings_.node,
          holding_ ? epoch_ : Epoch(0),
          ++counter_};
}

// Takes the key as it was seen, together with what stands beside it.
Ops Election::claim(const Record& record) {
  using enum Op::Verb;
  using enum Op::Place;
  Ops ops;
  if (view_->key) {
    ops.push_back({kDeleteCas, kLease, "", view_->key->index, "", {}});
  } else {
    ops.push_back({kCheckNotExists, kLease, "", 0, "", {}});
  }
  ops.push_back({kCas, kRecord, "", view_->beside ? view_->beside->index : 0, "", record});
  ops.push_back({kLock, kLease, "", 0, session_, holder_value()});
  if (view_->cluster_id.empty()) {
    const std::string& id =
        facts_.cluster_id.empty() ? settings_.new_cluster_id : facts_.cluster_id;
    ops.push_back({kCas, kClusterId, "", 0, "", id});
  }
  return ops;
}

void Election::enter(Phase phase, std::string reason) {
  if (!lost_because_.empty() && !holding_)
    reason += "; this node gave up the lease: " + lost_because_;
  state_.phase = phase;
  state_.reason = std::move(reason);
  state_.is_primary = phase == Phase::kPrimary;
  state_.right_until = right_until_;
  state_.epoch = holding_ ? epoch_ : seen_epoch_;
  state_.primary.reset();
  if (phase == Phase::kPrimary || phase == Phase::kYielded) {
    state_.primary = PrimaryInfo{settings_.self.name, settings_.self.url};
  } else if (!holding_ && view_ && view_->held() && !foreign()) {
    if (view_->key->holder.node != settings_.node) state_.primary = view_->key->holder.info;
  }
}

}  // namespace skerry::lease
