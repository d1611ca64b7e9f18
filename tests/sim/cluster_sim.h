// A cluster of nodes that run the election against a model of Consul, on virtual time, under faults
// that a seed decides. What it checks at every step:
//
//   one writer     no two nodes have the right to write at one moment, a frozen node included
//   rising epochs  every tenure's epoch is above every earlier one's, and on disk before it is used
//
// and in the end, when nothing is broken any more: one node is the primary, the others follow it,
// and it stays.
#pragma once

#include <memory>
#include <queue>

#include "lease/election.h"
#include "tests/sim/consul_model.h"

namespace skerry::sim {

class ClusterSim {
 public:
  explicit ClusterSim(uint64_t seed);
  ~ClusterSim();

  // Empty: every check held; else what broke.
  [[nodiscard]] std::string run();
  [[nodiscard]] lease::Duration virtual_time() const { return now_ - lease::Time{}; }
  [[nodiscard]] size_t tenures() const { return tenures_; }
  [[nodiscard]] lease::Duration time_without_writer() const { return gap_; }
  // One line per noteworthy thing that happened.
  void trace_to(std::FILE* file) { trace_ = file; }

 private:
  using Time = lease::Time;
  using Duration = lease::Duration;
  struct Node;
  struct LiteFs;
  struct Scheduled {
    Time at;
    uint64_t order;
    std::function<void()> run;
    bool operator<(const Scheduled& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void at(Time time, std::function<void()> run);
  void in(Duration delay, std::function<void()> run) { at(now_ + delay, std::move(run)); }
  [[nodiscard]] int64_t pick(int64_t from, int64_t to);  // both included
  [[nodiscard]] bool chance(int percent) { return pick(1, 100) <= percent; }
  [[nodiscard]] Duration ms(int64_t from, int64_t to);
  [[nodiscard]] Duration latency();
  void trace(const std::string& line);

  // A process.
  void start(Node& node, bool same_boot);
  void kill(Node& node);
  void feed(Node& node, const lease::Event& event);
  void step(Node& node, const lease::Event& event);
  void arm(Node& node);
  void check(Node& node);
  [[nodiscard]] Time local(const Node& node) const;
  [[nodiscard]] Time true_time(const Node& node, Time local_time) const;

  // Its driver.
  void perform(Node& node, const lease::Action& action);
  void on(Node& node, const lease::action::Look& look);
  void on(Node& node, const lease::action::MakeSession&);
  void on(Node& node, const lease::action::Renew& renew);
  void on(Node& node, const lease::action::DestroySession& destroy);
  void on(Node& node, const lease::action::Write& write);
  void on(Node& node, const lease::action::AskPeers& ask);
  void on(Node& node, const lease::action::AskPromises& ask);
  void on(Node& node, const lease::action::AnswerPromise& answer);
  void on(Node& node, const lease::action::CatchUp& catch_up);
  void on(Node& node, const lease::action::Persist& persist);
  void on(Node& node, const lease::action::AdoptClusterId& adopt);
  void on(Node& node, const lease::action::Offer& offer);

  // Sends `serve` to Consul and its answer back: `deliver` gets null if there is none in time.
  void call_consul(Node& node, Duration deadline, std::function<lease::Event()> serve,
                   std::function<lease::Event()> failed);
  void answer_looks();
  void replicate();
  void write_on_primaries();

  // Faults.
  void break_something();
  void heal();
  [[nodiscard]] Node& any_node();
  [[nodiscard]] bool linked(const Node& a, const Node& b) const;
  void hand_over(Node& from);
  void run_litefs();

  [[nodiscard]] std::string settled() const;

  std::mt19937_64 random_;
  Time now_{std::chrono::hours(1)};
  uint64_t order_ = 0;
  std::priority_queue<Scheduled> queue_;
  std::unique_ptr<ConsulModel> consul_;
  bool consul_up_ = true;
  int slow_ = 0;  // percent of messages that take long
  std::vector<std::unique_ptr<Node>> nodes_;
  struct WaitingLook {
    Node* node;
    uint64_t life;
    lease::action::Look look;
  };
  std::vector<WaitingLook> looks_;
  std::unique_ptr<LiteFs> litefs_;
  bool faults_on_ = true;
  std::string broken_;
  size_t tenures_ = 0;
  Epoch highest_;
  bool epochs_lost_ = false;
  bool operator_needed_ = false;
  Time last_writer_{};
  Duration gap_{0};
  std::FILE* trace_ = nullptr;
};

}  // namespace skerry::sim
