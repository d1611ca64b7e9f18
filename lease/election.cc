// Election: its events.
#include "lease/election.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::lease {

Election::Election(Settings settings)
    : settings_(std::move(settings)),
      seen_epoch_(settings_.seen),
      persisted_epoch_(settings_.seen) {}

Actions Election::resume(const Event& event, Time now) {
  now_ = std::max(now_, now);
  wake_at_ = kNever;
  std::visit([this](const auto& happened) { on(happened); }, event);
  if (releasing_) {
    release();
  } else if (holding_) {
    hold();
  } else {
    seek();
  }
  return std::exchange(actions_, {});
}

PeerReport Election::report() const {
  return {settings_.self,    settings_.node, settings_.candidate,
          state_.is_primary, seen_epoch_,    facts_.standing};
}

// Nothing if the holder has not said it yet.
static Epoch epoch_of_holder(const View& view) {
  if (!view.held() || !view.key->holder.fenced) return Epoch(0);
  if (view.key->holder.epoch != Epoch(0)) return view.key->holder.epoch;
  if (!view.beside || view.beside->index != view.key->index) return Epoch(0);
  return Epoch(view.beside->record.epoch_base + view.key->index);
}

// Neither the key nor what stands beside it has moved.
static bool same_lease(const View& a, const View& b) {
  const auto index = [](const auto& entry) { return entry ? entry->index : 0; };
  const auto session = [](const View& view) { return view.key ? view.key->session : ""; };
  return index(a.key) == index(b.key) && index(a.beside) == index(b.beside) &&
         session(a) == session(b);
}

void Election::on(const event::Viewed& seen) {
  if (seen.look != look_) return;
  looking_ = false;
  trouble_.clear();
  // One that should have waited for a change, and did not, must not become a stream of them.
  const bool in_vain = look_waits_ && view_ && seen.view.index == view_->index;
  next_look_ = in_vain ? now_ + kRetryAfter : now_;
  if (!view_ || !same_lease(*view_, seen.view)) quiet_since_ = now_;
  note_name_conflict(seen.view);
  remember_entries(seen.view);
  view_ = seen.view;
  view_look_ = seen.look;
  if (is_litefs_primary()) saw_litefs_ = true;
  if (view_->beside) listed_ = view_->record()->candidates;
  learn_epoch(epoch_of_holder(*view_), false);
  if (holding_) judge_tenure();
}

void Election::on(const event::LookFailed& failed) {
  if (failed.look != look_) return;
  looking_ = false;
  trouble_ = failed.why;
  next_look_ = now_ + kRetryAfter;
}

void Election::on(const event::SessionMade& made) {
  making_session_ = false;
  session_ = made.session;
  renewed_at_ = renewal_sent_;
  if (!holding_) return;
  in_doubt_ = true;  // the key went with the session before
  look_now();
}

void Election::on(const event::SessionFailed& failed) {
  making_session_ = false;
  trouble_ = failed.why;
  next_session_ = now_ + kRetryAfter;
}

void Election::on(const event::Renewed& renewed) {
  if (renewed.session != session_) return;
  renewing_ = false;
  if (!renewed.exists) return session_ended(renewed.session);
  renewed_at_ = renewal_sent_;
}

void Election::on(const event::RenewFailed& failed) {
  if (failed.session != session_) return;
  renewing_ = false;
  next_session_ = now_ + kRetryAfter;
}

void Election::on(const event::Wrote& wrote) {
  const auto found = writes_.find(wrote.write);
  if (found == writes_.end()) return;
  const Pending pending = std::move(found->second);
  writes_.erase(found);
  trouble_ = wrote.verdict == Verdict::kUnknown ? wrote.why : "";
  switch (pending.kind) {
    case WriteKind::kRegister:
      registered_ = wrote.verdict == Verdict::kApplied;
      registered_look_ = look_;
      if (wrote.verdict != Verdict::kApplied) next_registration_ = now_ + kRetryAfter;
      break;
    case WriteKind::kForget:
      break;
    case WriteKind::kStand:
      stood(wrote, pending);
      break;
    case WriteKind::kTouch:
      if (holding_) touched(wrote, pending);
      break;
    case WriteKind::kRelease:
      release_written_ = wrote.verdict != Verdict::kRefused;
      if (release_written_) break;
      in_doubt_ = true;
      look_now();
      break;
  }
}

void Election::on(const event::PeerAnswered& answered) {
  for (auto* survey : {&survey_, &refresh_}) {
    if (!*survey || (*survey)->round != answered.round) continue;
    if ((*survey)->open.erase(answered.name) == 0 || !answered.report) continue;
    (*survey)->reports.push_back(*answered.report);
  }
}

void Election::on(const event::PromiseAnswered& answered) {
  if (!asking_ || asking_->round != answered.round || !holding_) return;
  if (!answered.promised) {
    refused_by_ = answered.name;
    asking_.reset();
    return;
  }
  asking_->open.erase(answered.name);
  if (!asking_->open.empty()) return;
  on_promises_ = true;
  refused_by_.clear();
  extend(asking_->sent + right_after_touch(term()));
  asking_.reset();
}

void Election::on(const event::CaughtUp& caught_up) {
  catching_up_ = false;
  survey_.reset();
  refresh_.reset();
  next_survey_ = caught_up.ok ? now_ : now_ + kSurveyBound;
}

void Election::on(const event::Persisted& persisted) {
  if (persisted.ok) {
    persisted_epoch_ = std::max(persisted_epoch_, persisted.epoch);
    return;
  }
  if (!holding_ || persisted.epoch != epoch_) return;
  lose("the epoch could not be written to this node's disk");
  next_stand_ = now_ + settings_.terms.session_ttl;
  if (!session_.empty()) emit(action::DestroySession{std::exchange(session_, {})});
}

void Election::on(const event::Facts& facts) {
  facts_ = facts;
  has_facts_ = true;
}

bool Election::is_litefs_primary() const {
  return view_ && view_->held() && !view_->key->holder.fenced;
}

// Whoever stands, or may have stood under a newer epoch than the primary knows, does not promise.
void Election::on(const event::PromiseAsked& asked) {
  const PromiseRequest& request = asked.request;
  const bool is_last = request.node == promised_node_ && request.round == promised_round_;
  if (request.length == Duration{0}) {
    if (is_last) promised_until_ = std::min(promised_until_, now_);
    return emit(action::AnswerPromise{asked.ticket, true});
  }
  const bool promise = settings_.candidate && !holding_ && !releasing_ &&
                       !writing(WriteKind::kStand) && !is_litefs_primary() &&
                       request.epoch >= seen_epoch_ &&
                       request.length <= silence_before_takeover(kTermMax);
  if (promise) {
    promised_until_ = std::max(promised_until_, now_ + request.length);
    promised_to_ = request.peer.name;
    if (request.node != promised_node_) promised_round_ = 0;
    promised_node_ = request.node;
    promised_round_ = std::max(promised_round_, request.round);
    learn_epoch(request.epoch, false);
  }
  emit(action::AnswerPromise{asked.ticket, promise});
}

void Election::on(const event::Granted& granted) {
  granted_ = granted;
  granted_until_ = now_ + kYieldBound;
  look_now();
}

void Election::on(const event::Yield&) {
  if (!holding_ || yielding_since_ || !state_.is_primary) return;
  yielding_since_ = now_;
  offer_look_ = 0;
  offered_ = false;
  right_until_ = std::min(right_until_, now_);
  asking_.reset();
}

void Election::on(const event::Reclaim&) {
  if (!yielding_since_) return;
  yielding_since_.reset();
  next_touch_ = now_;
  next_ask_ = now_ + ask_promises_every(term());
}

void Election::on(const event::Release&) {
  releasing_ = true;
  right_until_ = kLongAgo;
}

}  // namespace skerry::lease
