// Inside the simulator.
#pragma once

#include "tests/sim/cluster_sim.h"

namespace skerry::sim {

struct ClusterSim::Node {
  std::string name;
  double rate = 1;  // of its clock, within one percent of true time
  Duration offset{0};
  bool candidate = true;
  // On its disk.
  Epoch persisted;
  lease::Standing standing;
  std::string cluster_id;
  // The process; `life` counts them, so that what was meant for an earlier one is dropped.
  std::unique_ptr<lease::Election> election;
  NodeId id;
  std::optional<NodeId> last_id;
  uint64_t life = 0;
  uint64_t alarm = 0;
  bool frozen = false;
  std::vector<lease::Event> inbox;  // while it is frozen
  Epoch tenure;                     // the last that was checked
  std::map<uint64_t, std::function<void(bool)>> promise_answers;
  uint64_t last_ticket = 0;
  std::string hand_over_to;
  // Its links.
  bool to_consul = true;
  bool from_consul = true;
  bool peers = true;

  [[nodiscard]] bool is_up() const { return election != nullptr; }
};

// A primary that does not fence itself: it writes as long as it believes in its session.
struct ClusterSim::LiteFs {
  std::string session;
  bool is_up = true;
  bool is_primary = false;
};

}  // namespace skerry::sim
