// Who may write, decided: a machine without clock, socket or thread. It is fed events (answers of
// Consul and of peers, facts of the node, an operator's word, the passing of time) and says what to
// do next. ELECTION.md argues why never two nodes have the right at one moment.
//
//   Election election(settings);
//   for (;;) {
//     perform(election.resume(event, now));          // in order
//     publish(election.state());
//     event = next event, or Tick at election.wake_at()
//   }
//
// `now` never decreases. It is read before an action is performed, so that a right that counts from
// it ends early rather than late.
//
// Not thread-safe.
#pragma once

#include <map>
#include <set>

#include "lease/election_io.h"
#include "lease/terms.h"

namespace skerry::lease {

struct Settings {
  Peer self{};
  NodeId node{};  // this process
  bool candidate = true;
  bool failsafe = true;
  Terms terms{};
  std::string new_cluster_id{};  // given to a cluster that has none
  Epoch seen{};                  // the highest that is on this node's disk
  // The process that served this very folder on this very boot before: it is known to be dead.
  std::optional<NodeId> predecessor{};
};

class Election {
 public:
  explicit Election(Settings settings);

  [[nodiscard]] Actions resume(const Event& event, Time now);
  // A Tick is due then, if nothing else happens before.
  [[nodiscard]] Time wake_at() const { return wake_at_; }
  [[nodiscard]] const LeaseState& state() const { return state_; }
  // What this node answers a peer.
  [[nodiscard]] PeerReport report() const;
  // What Consul said last; null before its first answer.
  [[nodiscard]] const View* view() const { return view_ ? &*view_ : nullptr; }

 private:
  struct Survey {
    uint64_t round = 0;
    Time started;
    std::set<std::string> open;
    std::vector<PeerReport> reports;
  };

  // --- Events (election.cc) ---
  void on(const event::Tick&) {}
  void on(const event::Viewed& seen);
  void on(const event::LookFailed& failed);
  void on(const event::SessionMade& made);
  void on(const event::SessionFailed& failed);
  void on(const event::Renewed& renewed);
  void on(const event::RenewFailed& failed);
  void on(const event::Wrote& wrote);
  void on(const event::PeerAnswered& answered);
  void on(const event::PromiseAnswered& answered);
  void on(const event::CaughtUp& caught_up);
  void on(const event::Persisted& persisted);
  void on(const event::Facts& facts);
  void on(const event::PromiseAsked& asked);
  void on(const event::Granted& granted);
  void on(const event::Yield&);
  void on(const event::Reclaim&);
  void on(const event::Release&);
  void on(const event::Force&) { forced_until_ = now_ + kForceBound; }

  // --- What every node does (election_common.cc) ---
  // True once `at` has come; until then the machine is woken at `at`.
  [[nodiscard]] bool due(Time at);
  void emit(Action action) { actions_.push_back(std::move(action)); }
  void look_now();
  void keep_looking();
  void keep_session(bool wanted);
  void keep_registered();
  void note_name_conflict(const View& seen);
  void remember_entries(const View& seen);
  void adopt_cluster_id();
  void learn_epoch(Epoch epoch, bool holder);
  enum class WriteKind : uint8_t { kRegister, kForget, kStand, kTouch, kRelease };
  struct Pending {
    WriteKind kind;
    Time sent;
    std::string session;           // that it leans on
    std::optional<Record> record;  // what it writes beside the key
  };
  void write(WriteKind kind, Ops ops, std::optional<Record> record = {});
  [[nodiscard]] bool writing(WriteKind kind) const;
  void session_ended(const std::string& session);
  void enter(Phase phase, std::string reason);
  [[nodiscard]] Holder holder_value();
  [[nodiscard]] Ops claim(const Record& record);
  [[nodiscard]] bool is_forced() const { return now_ < forced_until_; }
  [[nodiscard]] Duration term() const { return settings_.terms.term; }

  // --- A node that holds nothing (election_candidate.cc) ---
  void seek();
  [[nodiscard]] bool follow();
  [[nodiscard]] std::optional<Duration> patience() const;
  [[nodiscard]] bool was_mine() const;
  [[nodiscard]] bool is_listed() const;
  [[nodiscard]] bool is_litefs_primary() const;
  [[nodiscard]] bool is_granted() const;
  [[nodiscard]] std::optional<std::string> unfit() const;
  [[nodiscard]] std::optional<std::string> stale() const;
  [[nodiscard]] std::optional<std::string> foreign() const;
  [[nodiscard]] bool surveyed();
  [[nodiscard]] Survey ask_peers();
  [[nodiscard]] const PeerReport* ahead() const;
  void catch_up(const PeerReport& peer);
  void stand();
  [[nodiscard]] Record first_record() const;
  void stood(const event::Wrote& wrote, const Pending& pending);
  void begin_tenure(uint64_t index, const Pending& pending);

  // --- The holder (election_holder.cc) ---
  void hold();
  void judge_tenure();
  void lose(std::string reason);
  void keep_touching();
  void touch();
  void touched(const event::Wrote& wrote, const Pending& pending);
  [[nodiscard]] std::optional<Record> record_update();
  [[nodiscard]] std::vector<Peer> wanted_candidates() const;
  void keep_failsafe();
  void ask_promises(Duration length);
  [[nodiscard]] std::vector<Peer> others_that_may_stand() const;
  void extend(Time until);
  void forget_the_gone();
  void yield();
  void show_tenure();
  void release();
  [[nodiscard]] Ops farewell() const;

  const Settings settings_;
  Time now_ = kLongAgo;
  Time wake_at_ = kNever;
  Actions actions_;
  LeaseState state_;

  // What is known.
  std::optional<View> view_;
  Time quiet_since_ = kLongAgo;             // when the key was first seen as it is
  std::map<std::string, Time> entry_seen_;  // by node: when its entry was first seen as it is
  std::string trouble_;                     // why Consul does not answer; empty if it does
  event::Facts facts_;
  bool has_facts_ = false;
  Epoch seen_epoch_;
  Epoch persisted_epoch_;
  bool saw_litefs_ = false;
  std::optional<std::vector<Peer>> listed_;  // the last list of candidates that was seen
  Time promised_until_ = kLongAgo;
  std::string promised_to_;
  NodeId promised_node_;
  uint64_t promised_round_ = 0;
  std::optional<event::Granted> granted_;
  Time granted_until_ = kLongAgo;
  Time forced_until_ = kLongAgo;

  // What is under way.
  uint64_t look_ = 0;       // the last that was asked for
  uint64_t view_look_ = 0;  // the one that `view_` answers
  bool looking_ = false;
  bool look_waits_ = false;  // the last one: for a change
  Time next_look_ = kLongAgo;
  std::string session_;
  bool making_session_ = false;
  bool renewing_ = false;
  Time next_session_ = kLongAgo;
  Time renewed_at_ = kLongAgo;  // when a renewal that succeeded was sent
  Time renewal_sent_ = kLongAgo;
  std::map<uint64_t, Pending> writes_;
  uint64_t last_write_ = 0;
  uint64_t last_round_ = 0;
  uint64_t counter_ = 0;
  Time registered_at_ = kLongAgo;
  Time next_registration_ = kLongAgo;
  bool registered_ = false;
  uint64_t registered_look_ = 0;  // looks up to this one may miss this node's entry
  int name_conflicts_ = 0;
  Time name_conflict_at_ = kLongAgo;

  std::optional<Survey> survey_;   // what decides; the first may still be open
  std::optional<Survey> refresh_;  // a newer one, under way
  Time next_survey_ = kLongAgo;
  bool catching_up_ = false;
  Time next_stand_ = kLongAgo;

  // The tenure.
  bool holding_ = false;
  Epoch epoch_;
  Time right_until_ = kLongAgo;
  Record record_;  // as it stands beside the key
  uint64_t record_index_ = 0;
  Time touched_at_ = kLongAgo;  // when the last touch that succeeded was sent
  bool in_doubt_ = false;       // a touch was refused: Consul must say who holds
  bool must_claim_ = false;     // the key has to be taken again under the same record
  std::string key_session_;     // that the key was last seen locked by
  Time next_touch_ = kLongAgo;
  Time next_record_ = kLongAgo;
  std::set<Peer> may_stand_;  // on any list that may be in Consul now
  struct Asking {
    uint64_t round = 0;
    Time sent;
    std::set<std::string> open;
  };
  std::optional<Asking> asking_;
  Time next_ask_ = kLongAgo;
  bool asked_ = false;        // since the right was last renewed by a touch
  bool on_promises_ = false;  // the right stands on the candidates' promise
  std::string refused_by_;    // a candidate that did not promise
  std::optional<Time> yielding_since_;
  uint64_t offer_look_ = 0;  // shows the indices to offer
  bool offered_ = false;
  std::string lost_because_;

  bool releasing_ = false;
  bool release_written_ = false;
};

}  // namespace skerry::lease
