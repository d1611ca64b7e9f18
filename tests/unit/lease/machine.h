// An election fed by hand, its actions as words.
#pragma once

#include <string>

#include "lease/election.h"

namespace skerry::lease::test {

using namespace std::chrono_literals;

inline constexpr NodeId kMe{1};
inline constexpr NodeId kOther{2};
inline const Peer kA{"a", "http://a"};
inline const Peer kB{"b", "http://b"};

[[nodiscard]] std::string words(const Action& action);

// What Consul shows, put together piece by piece.
struct Seen : View {
  Seen& at(uint64_t read_index);
  Seen& held_by(const Peer& peer, NodeId node, uint64_t key_index, std::string session,
                Epoch epoch = Epoch(5));
  Seen& held_by_litefs(uint64_t key_index);
  Seen& recorded(const Peer& peer, NodeId node, uint64_t record_index,
                 std::vector<Peer> candidates);
  Seen& with(const Peer& peer, NodeId node, bool candidate = true);
  Seen& of_cluster(std::string id);
};

// Node a, process 1, at 1000 s.
class Machine {
 public:
  explicit Machine(Settings settings = {.self = kA, .node = kMe, .new_cluster_id = "new"});

  // Each returns the actions, "; " between them.
  std::string feed(const Event& event);
  std::string after(Duration duration, const Event& event = event::Tick{});
  std::string see(const View& view);  // the answer to the last look
  // The verdict on the last write.
  std::string wrote(Verdict verdict, uint64_t index = 0);
  std::string wrote(uint64_t write, Verdict verdict, uint64_t index = 0);
  // As wake_at() asks for it, until the time has come.
  std::string run_until(Duration since_start);

  [[nodiscard]] const LeaseState& state() const { return election.state(); }
  [[nodiscard]] Duration right() const { return state().right_until - start; }

  const Time start{1000s};
  Time now = start;
  Election election;
  // Actions that are in the way of what a test is about.
  std::set<std::string> hidden{"write [set node]", "renew s1", "renew s2"};
  uint64_t look = 0;
  uint64_t write = 0;
  uint64_t round = 0;
};

// The node a has been made the primary at index 10 (epoch 10), seconds 0 to 3.3, of an empty
// cluster with b as the other candidate; its session is s1.
[[nodiscard]] Machine primary(Settings settings = {
                                  .self = kA, .node = kMe, .new_cluster_id = "new"});
[[nodiscard]] Seen after_taking_it();

}  // namespace skerry::lease::test
