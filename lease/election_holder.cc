// Election: the node that holds the lease, until it loses it or gives it back.
#include <fmt/format.h>

#include <algorithm>

#include "lease/election.h"

namespace skerry::lease {

void Election::hold() {
  keep_looking();
  keep_session(true);
  keep_registered();
  adopt_cluster_id();
  if (yielding_since_ && due(*yielding_since_ + kYieldBound)) on(event::Reclaim{});
  if (yielding_since_) {
    yield();
  } else {
    keep_touching();
    keep_failsafe();
    forget_the_gone();
  }
  show_tenure();
}

// What Consul shows is as new as the last doubt. Nobody takes the lease without changing the record
// beside it, so as long as that is this process's, nobody did (LiteFS, which knows no record, locks
// the key).
void Election::judge_tenure() {
  in_doubt_ = false;
  const Record* record = view_->record();
  if (record != nullptr && record->node != settings_.node) {
    return lose(yielding_since_ ? "it was handed over" : record->name + " took it");
  }
  const bool has_key = view_->held() && view_->key->session == session_;
  if (view_->held() && !has_key && view_->key->holder.node != settings_.node) {
    return lose("a node that keeps no record took it");
  }
  if (record == nullptr && !has_key && now_ >= right_until_) {
    return lose("its keys were deleted from Consul");
  }
  if (record != nullptr && view_->beside->index != record_index_) {
    record_ = *record;
    record_index_ = view_->beside->index;
    may_stand_.insert(record_.candidates.begin(), record_.candidates.end());
  }
  must_claim_ = !has_key || record == nullptr;
}

void Election::lose(std::string reason) {
  holding_ = false;
  right_until_ = kLongAgo;
  in_doubt_ = false;
  must_claim_ = false;
  on_promises_ = false;
  asking_.reset();
  yielding_since_.reset();
  lost_because_ = std::move(reason);
}

void Election::keep_touching() {
  if (session_.empty() || in_doubt_ || !due(next_touch_)) return;
  const auto in_flight = std::ranges::count_if(
      writes_, [](const auto& w) { return w.second.kind == WriteKind::kTouch; });
  if (in_flight >= (must_claim_ ? 1 : kTouchesInFlightMax)) return;
  next_touch_ = now_ + touch_every(term());
  touch();
}

void Election::touch() {
  using enum Op::Verb;
  using enum Op::Place;
  std::optional<Record> update = record_update();
  if (must_claim_ && !update) update = record_;
  if (update) {
    next_record_ = now_ + kProgressEvery;
    may_stand_.insert(update->candidates.begin(), update->candidates.end());
  }
  Ops ops;
  if (must_claim_) {
    ops = claim(*update);
    return write(WriteKind::kTouch, std::move(ops), std::move(update));
  }
  ops.push_back({kCheckSession, kLease, "", 0, session_, {}});
  ops.push_back({kLock, kLease, "", 0, session_, holder_value()});
  if (update) {
    ops.push_back({kCas, kRecord, "", record_index_, "", *update});
  } else {
    ops.push_back({kCheckIndex, kRecord, "", record_index_, "", {}});
  }
  write(WriteKind::kTouch, std::move(ops), std::move(update));
}

void Election::touched(const event::Wrote& wrote, const Pending& pending) {
  switch (wrote.verdict) {
    case Verdict::kApplied:
      if (pending.sent >= touched_at_) {
        touched_at_ = pending.sent;
        on_promises_ = asked_ = false;
        refused_by_.clear();
      }
      key_session_ = pending.session;
      if (!yielding_since_) extend(pending.sent + right_after_touch(term()));
      if (!pending.record) return;
      must_claim_ = false;
      record_ = *pending.record;
      record_index_ = wrote.index;
      may_stand_ = {record_.candidates.begin(), record_.candidates.end()};
      return;
    case Verdict::kRefused:
      in_doubt_ = true;
      next_touch_ = now_;
      return look_now();
    case Verdict::kNoSession:
      return session_ended(pending.session);
    case Verdict::kDelayed:
      trouble_ = "Consul's lock-delay runs (lease.consul.lock-delay)";
      break;
    case Verdict::kUnknown:
      break;
  }
  next_touch_ = std::min(next_touch_, now_ + kRetryAfter);
}

// What should stand beside the key, if it is not what stands there.
std::optional<Record> Election::record_update() {
  const bool is_under_way =
      std::ranges::any_of(writes_, [](const auto& w) { return w.second.record.has_value(); });
  if (is_under_way) return std::nullopt;
  Record wanted = record_;
  wanted.epoch = epoch_;
  wanted.standing = facts_.standing;
  wanted.progress = std::max(wanted.progress, facts_.followers);
  wanted.candidates = wanted_candidates();
  if (wanted == record_) return std::nullopt;
  const bool is_urgent = wanted.epoch != record_.epoch || wanted.candidates != record_.candidates ||
                         wanted.standing.blank() != record_.standing.blank();
  if (!is_urgent && now_ < next_record_) return std::nullopt;
  return wanted;
}

std::vector<Peer> Election::wanted_candidates() const {
  std::vector<Peer> candidates{settings_.self};
  for (const View::Node& node : view_->nodes) {
    if (!node.entry.candidate || node.entry.peer.name == settings_.self.name) continue;
    const auto seen = entry_seen_.find(node.entry.peer.name);
    if (seen != entry_seen_.end() && now_ - seen->second < kForgetNodeAfter) {
      candidates.push_back(node.entry.peer);
    }
  }
  std::ranges::sort(candidates);
  return candidates;
}

std::vector<Peer> Election::others_that_may_stand() const {
  std::vector<Peer> others;
  for (const Peer& peer : may_stand_) {
    if (peer != settings_.self) others.push_back(peer);
  }
  return others;
}

// Consul is silent: the right goes on if everybody who may take the lease promises not to. Once it
// has run out, nobody should wait for this node any more.
void Election::keep_failsafe() {
  if (!due(right_until_)) {
    const bool litefs_may_have_it = must_claim_ && record_.litefs;
    if (!settings_.failsafe || in_doubt_ || litefs_may_have_it) return;
    if (!due(touched_at_ + failsafe_after(term()))) return;
    if (asking_ && !due(asking_->sent + 2 * ask_promises_every(term()))) return;
    asking_.reset();
    if (due(next_ask_)) ask_promises(silence_before_takeover(term()));
  } else if (asked_) {
    asked_ = false;
    asking_.reset();
    emit(action::AskPromises{last_round_,
                             others_that_may_stand(),
                             {settings_.self, settings_.node, epoch_, last_round_, Duration{0}}});
  }
}

void Election::ask_promises(Duration length) {
  next_ask_ = now_ + ask_promises_every(term());
  std::vector<Peer> others = others_that_may_stand();
  if (others.empty()) {
    on_promises_ = true;
    return extend(now_ + right_after_touch(term()));
  }
  asked_ = true;
  asking_ = Asking{++last_round_, now_, {}};
  for (const Peer& peer : others) asking_->open.insert(peer.name);
  emit(action::AskPromises{last_round_,
                           std::move(others),
                           {settings_.self, settings_.node, epoch_, last_round_, length}});
}

// A LiteFS node waits for nobody and promises nothing: against it only this node's session
// protects.
void Election::extend(Time until) {
  if (record_.litefs) {
    if (key_session_ != session_) return;
    until = std::min(
        until, renewed_at_ + settings_.terms.session_ttl - margin(settings_.terms.session_ttl));
  }
  right_until_ = std::max(right_until_, until);
}

// Entries of nodes that have not renewed theirs for long.
void Election::forget_the_gone() {
  if (writing(WriteKind::kForget)) return;
  for (const View::Node& node : view_->nodes) {
    const std::string& name = node.entry.peer.name;
    const auto seen = entry_seen_.find(name);
    if (name == settings_.self.name || seen == entry_seen_.end()) continue;
    if (!due(seen->second + kForgetNodeAfter)) continue;
    seen->second = now_;  // not again until it shows
    return write(WriteKind::kForget,
                 {{Op::Verb::kDeleteCas, Op::Place::kNode, name, node.index, "", {}}});
  }
}

// No touch may be under way when the indices are read that the successor takes the lease at.
void Election::yield() {
  if (offered_ || writing(WriteKind::kTouch)) return;
  if (offer_look_ == 0) {
    look_now();
    offer_look_ = look_;
  } else if (view_look_ >= offer_look_ && view_->key && view_->beside && !must_claim_) {
    offered_ = true;
    emit(action::Offer{view_->key->index, view_->beside->index, epoch_});
  }
}

void Election::show_tenure() {
  const std::string trouble = trouble_.empty() ? "" : ": " + trouble_;
  if (persisted_epoch_ < epoch_) {
    return enter(Phase::kStanding, "writing the epoch to this node's disk");
  }
  if (yielding_since_) return enter(Phase::kYielded, "a successor may take the lease");
  if (!due(right_until_)) {
    return enter(Phase::kPrimary, on_promises_ ? "Consul is silent, the candidates promised to wait"
                                               : "holds the lease");
  }
  if (!refused_by_.empty()) {
    return enter(Phase::kLapsed,
                 fmt::format("the lease could not be renewed in time{}; candidate {} did not "
                             "promise to wait",
                             trouble, refused_by_));
  }
  enter(Phase::kLapsed, "the lease could not be renewed in time" + trouble);
}

// The end: the key goes, the record says that nobody writes, this node's entry goes.
void Election::release() {
  if (state_.phase == Phase::kReleased) return;
  enter(Phase::kLapsed, "giving the lease back");
  if (in_doubt_) keep_looking();
  if (in_doubt_ || writing(WriteKind::kRelease) || writing(WriteKind::kStand)) return;
  if (!release_written_) return write(WriteKind::kRelease, farewell());
  if (!session_.empty()) emit(action::DestroySession{std::exchange(session_, {})});
  holding_ = false;
  enter(Phase::kReleased, "this node has left");
}

Ops Election::farewell() const {
  using enum Op::Verb;
  using enum Op::Place;
  Ops ops;
  ops.push_back({kDelete, kNode, settings_.self.name, 0, "", {}});
  if (!holding_ || session_.empty()) return ops;
  Record record = record_;
  record.epoch = epoch_;
  record.closed = true;
  record.standing = facts_.standing;
  record.progress = std::max(record.progress, facts_.standing);
  ops.push_back({kCheckSession, kLease, "", 0, session_, {}});
  ops.push_back({kDelete, kLease, "", 0, "", {}});
  ops.push_back({kCas, kRecord, "", record_index_, "", record});
  return ops;
}

}  // namespace skerry::lease
