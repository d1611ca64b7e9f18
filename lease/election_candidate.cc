// Election: a node that holds nothing, from following to taking the lease.
#include <fmt/format.h>

#include <algorithm>

#include "lease/election.h"

namespace skerry::lease {

static double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

static std::string named(const Holder& holder) {
  return holder.info.hostname.empty() ? "a node without a name" : holder.info.hostname;
}

void Election::seek() {
  keep_looking();
  keep_registered();
  adopt_cluster_id();
  if (!view_) {
    return enter(Phase::kLooking,
                 trouble_.empty() ? "asking Consul" : "Consul does not answer: " + trouble_);
  }
  if (follow()) return;
  if (auto why = unfit()) return enter(Phase::kWaiting, *std::move(why));
  keep_session(true);
  if (catching_up_) return enter(Phase::kCatchingUp, state_.reason);
  if (!surveyed())
    return enter(Phase::kSurveying, "asking the others how far their data have come");
  if (const PeerReport* peer = ahead()) return catch_up(*peer);
  if (auto why = stale()) return enter(Phase::kWaiting, *std::move(why));
  stand();
}

// Somebody holds the lease and there is no reason yet to prepare for a takeover.
bool Election::follow() {
  if (!view_->held()) return false;
  const Holder& holder = view_->key->holder;
  const auto wait = patience();
  if (wait && due(quiet_since_ + *wait / 2)) return false;
  survey_.reset();
  refresh_.reset();
  if (granted_ && now_ < granted_until_) {
    keep_session(true);  // the old primary waits
  } else if (!session_.empty() && !writing(WriteKind::kStand)) {
    emit(action::DestroySession{std::exchange(session_, {})});
    renewing_ = false;
  }
  if (auto why = foreign()) {
    enter(Phase::kWaiting, *std::move(why));
  } else if (!holder.fenced) {
    enter(Phase::kFollowing,
          fmt::format("{} is the primary; it does not fence itself (LiteFS does not), so its lease "
                      "is not taken before Consul ends its session",
                      named(holder)));
  } else {
    enter(Phase::kFollowing, named(holder) + " is the primary");
  }
  return true;
}

// How long the key must have been unmoved before this node may take it; nothing: it may not be
// taken as long as it is held.
std::optional<Duration> Election::patience() const {
  if (was_mine() || is_granted()) return Duration{0};
  const Record* record = view_->record();
  if (view_->held()) {
    if (!view_->key->holder.fenced) return std::nullopt;
    return silence_before_takeover(view_->key->holder.term);
  }
  if (record != nullptr && record->closed && !saw_litefs_) return Duration{0};
  return silence_before_takeover(record != nullptr ? std::max(term(), record->term) : term());
}

// The last that had the right was this process, or one before it in this folder, which is dead.
bool Election::was_mine() const {
  const auto mine = [this](NodeId node) {
    return node == settings_.node || node == settings_.predecessor;
  };
  const Record* record = view_->record();
  if (record == nullptr || record->closed || !mine(record->node)) return false;
  return view_->key ? mine(view_->key->holder.node) : !record->litefs && !saw_litefs_;
}

bool Election::is_granted() const {
  return granted_ && now_ < granted_until_ && view_->key && view_->beside &&
         view_->key->index == granted_->key_index && view_->beside->index == granted_->record_index;
}

std::optional<std::string> Election::foreign() const {
  if (facts_.cluster_id.empty() || view_->cluster_id.empty() ||
      facts_.cluster_id == view_->cluster_id || facts_.standing.blank()) {
    return std::nullopt;
  }
  return fmt::format(
      "this node's data belong to cluster {}, the lease's key to cluster {}: give this node "
      "another "
      "lease.consul.key, or run `skerry cluster adopt` here to join with other data",
      facts_.cluster_id, view_->cluster_id);
}

// Why this node may not be the primary, however long the key is free.
std::optional<std::string> Election::unfit() const {
  if (!settings_.candidate) return "this node is not a candidate (lease.candidate)";
  if (!has_facts_) return "the databases are not open yet";
  if (auto why = foreign()) return why;
  if (is_granted() || is_forced()) return std::nullopt;
  if (name_conflicts_ > 1 && now_ < name_conflict_at_ + kNameConflictLasts) {
    return fmt::format("another node calls itself {}, too: give each its own lease.hostname",
                       settings_.self.name);
  }
  const Record* record = view_->record();
  const bool has_data = record == nullptr || !record->standing.blank() || !record->progress.blank();
  if (!view_->cluster_id.empty() && facts_.cluster_id.empty() && has_data) {
    return fmt::format(
        "cluster {} has data, and this node was never part of it: start a node that was, or run "
        "`skerry cluster force-primary` here to begin with this node's data",
        view_->cluster_id);
  }
  if (!is_listed()) {
    return "this node is not among the candidates that the last primary listed: start one of "
           "those, "
           "or run `skerry cluster force-primary` here if none will come back";
  }
  return std::nullopt;
}

// The last primary may still be writing on the promise of those that it listed, and of them alone;
// also if somebody deleted its record since this node saw it.
bool Election::is_listed() const {
  const Record* record = view_->record();
  if (!listed_ || (record != nullptr && record->closed) || was_mine()) return true;
  return std::ranges::find(*listed_, settings_.self) != listed_->end();
}

// This node's data are behind what the record says that others have, and nobody can be reached who
// has it. Data that nobody has confirmed need not be there, but some must.
std::optional<std::string> Election::stale() const {
  const Record* record = view_->record();
  if (record == nullptr || is_granted() || is_forced()) return std::nullopt;
  Standing needed = record->progress;
  if (facts_.standing.blank()) needed = std::max(needed, record->standing);
  if (facts_.standing >= needed) return std::nullopt;
  return fmt::format(
      "this node's data ({}) are behind the cluster's ({}): start a node that has them, or run "
      "`skerry cluster force-primary` here to do without them",
      to_string(facts_.standing), to_string(needed));
}

// Every peer that can be reached has said lately how it stands.
bool Election::surveyed() {
  if (was_mine() || is_granted()) return true;
  const auto is_done = [this](const Survey& survey) {
    return survey.open.empty() || due(survey.started + kSurveyBound);
  };
  if (!survey_) {
    if (!due(next_survey_)) return false;
    survey_ = ask_peers();
  }
  if (!is_done(*survey_)) return false;
  if (!refresh_ && due(survey_->started + term())) refresh_ = ask_peers();
  if (refresh_ && is_done(*refresh_)) survey_ = std::exchange(refresh_, {});
  return true;
}

Election::Survey Election::ask_peers() {
  Survey survey{++last_round_, now_, {}, {}};
  std::vector<Peer> peers;
  for (const View::Node& node : view_->nodes) {
    if (node.entry.peer.name == settings_.self.name) continue;
    peers.push_back(node.entry.peer);
    survey.open.insert(node.entry.peer.name);
  }
  if (!peers.empty()) emit(action::AskPeers{survey.round, std::move(peers)});
  return survey;
}

// The peer whose data are the furthest, if this node's are not.
const PeerReport* Election::ahead() const {
  if (!survey_ || is_forced() || was_mine() || is_granted()) return nullptr;
  const auto first = std::ranges::max_element(survey_->reports, {}, &PeerReport::standing);
  if (first == survey_->reports.end() || first->standing <= facts_.standing) return nullptr;
  return &*first;
}

void Election::catch_up(const PeerReport& peer) {
  catching_up_ = true;
  emit(action::CatchUp{peer.peer});
  enter(Phase::kCatchingUp,
        fmt::format("{} has newer data ({}) than this node ({})", peer.peer.name,
                    to_string(peer.standing), to_string(facts_.standing)));
}

void Election::stand() {
  const Duration wait = patience().value_or(kTermMax);
  if (!due(quiet_since_ + wait)) {
    return enter(Phase::kWaiting,
                 fmt::format("nobody touches the lease; after {:.1f} s without, this node takes it",
                             seconds(wait)));
  }
  // Who grants the lease has no right any more that a promise could have prolonged.
  if (!is_granted() && !due(promised_until_)) {
    return enter(Phase::kWaiting, fmt::format("this node promised {} not to stand while Consul is "
                                              "out of its reach",
                                              promised_to_));
  }
  const std::string trouble = trouble_.empty() ? "" : ": " + trouble_;
  enter(Phase::kStanding, "taking the lease" + trouble);
  if (session_.empty() || writing(WriteKind::kStand) || !due(next_stand_)) return;
  const Record record = first_record();
  write(WriteKind::kStand, claim(record), record);
}

Record Election::first_record() const {
  Record record;
  if (const Record* last = view_->record()) record = *last;
  Epoch highest = std::max(seen_epoch_, record.epoch);
  if (survey_) {
    for (const PeerReport& report : survey_->reports) highest = std::max(highest, report.epoch);
  }
  // Consul's index is past this view's when the transaction is applied. It may be behind what it
  // was when the last epoch was given: Consul's data can be lost.
  if (record.epoch_base + view_->index < highest.value()) {
    record.epoch_base = highest.value() - view_->index;
  }
  const bool was_litefs = !view_->beside && !view_->cluster_id.empty();
  record.litefs = record.litefs || saw_litefs_ || was_litefs;
  record.name = settings_.self.name;
  record.node = settings_.node;
  record.epoch = Epoch(0);
  record.term = term();
  record.closed = false;
  record.standing = facts_.standing;
  record.candidates = wanted_candidates();
  return record;
}

void Election::stood(const event::Wrote& wrote, const Pending& pending) {
  switch (wrote.verdict) {
    case Verdict::kApplied:
      return begin_tenure(wrote.index, pending);
    case Verdict::kRefused:
      break;
    case Verdict::kDelayed:
      trouble_ = "Consul's lock-delay runs (lease.consul.lock-delay)";
      break;
    case Verdict::kNoSession:
      session_ended(pending.session);
      break;
    case Verdict::kUnknown:
      break;
  }
  next_stand_ = now_ + kRetryAfter;
  look_now();
}

void Election::begin_tenure(uint64_t index, const Pending& pending) {
  holding_ = true;
  record_ = *pending.record;
  record_index_ = index;
  epoch_ = Epoch(record_.epoch_base + index);
  may_stand_ = {record_.candidates.begin(), record_.candidates.end()};
  touched_at_ = pending.sent;
  key_session_ = pending.session;
  right_until_ = pending.sent + right_after_touch(term());
  in_doubt_ = false;
  must_claim_ = false;
  on_promises_ = false;
  yielding_since_.reset();
  survey_.reset();
  refresh_.reset();
  granted_.reset();
  forced_until_ = kLongAgo;
  lost_because_.clear();
  next_touch_ = now_;
  next_record_ = now_;
  learn_epoch(epoch_, true);
  if (view_->cluster_id.empty() && facts_.cluster_id.empty()) {
    facts_.cluster_id = settings_.new_cluster_id;  // which the transaction has put there
    emit(action::AdoptClusterId{facts_.cluster_id});
  }
  look_now();
}

}  // namespace skerry::lease
