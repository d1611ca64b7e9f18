// Usage: election_sim [SEEDS [FIRST]]     runs that many seeds
//        election_sim --trace SEED        one, and says what happens
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string_view>

#include "tests/sim/cluster_sim.h"

int main(int argc, char** argv) {
  using namespace skerry;
  constexpr uint64_t kSeeds = 1000;
  if (argc == 3 && std::string_view(argv[1]) == "--trace") {
    sim::ClusterSim one(std::strtoull(argv[2], nullptr, 10));
    one.trace_to(stdout);
    const std::string broken = one.run();
    fmt::print("{}\n", broken.empty() ? "every check held" : broken);
    return broken.empty() ? 0 : 1;
  }
  const uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : kSeeds;
  const uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const auto begin = std::chrono::steady_clock::now();
  lease::Duration simulated{0};
  size_t tenures = 0;
  int failed = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    sim::ClusterSim one(seed);
    const std::string broken = one.run();
    simulated += one.virtual_time() - std::chrono::hours(1);
    tenures += one.tenures();
    if (broken.empty()) continue;
    fmt::print("seed {}: {}\n", seed, broken);
    if (++failed == 20) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double hours = std::chrono::duration<double, std::ratio<3600>>(simulated).count();
  fmt::print("{} seeds, {} tenures, {:.1f} simulated hours in {:.1f} s ({:.0f} per minute)\n",
             seeds, tenures, hours, took.count(), hours / took.count() * 60);
  return failed == 0 ? 0 : 1;
}
