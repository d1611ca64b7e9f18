// What the proxy counts. Each thread counts for itself; who reads adds up.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "proxy/route.h"

namespace skerry::proxy {

// A counter that one thread writes and others may read.
class Counter {
 public:
  void add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

template <typename Count>
struct MetricsOf {
  // Requests by how they were decided in the end.
  std::array<std::array<Count, kReasons>, kActions> requests{};
  Count clients{};               // connections now
  Count connections{};           // of clients, ever
  Count upstream_connections{};  // opened, ever
  Count upstream_reused{};       // requests over one that was there
  Count upstream_errors{};
  Count retried{};        // requests sent again because nobody had taken them in
  Count replayed{};       // reads that had failed here for writing
  Count waits{};          // of reads for a position
  Count wait_micros{};    // … in sum
  Count holds{};          // of requests for a primary
  Count hold_micros{};    // … in sum
  Count held{};           // now
  Count writing{};        // writes that are at the application now
  Count gate_waits{};     // of responses for replicas
  Count gate_micros{};    // … in sum
  Count gate_timeouts{};  // answered that the write is in doubt
  Count refused{};        // malformed, too large, too slow
  Count tunnels{};        // upgraded connections, ever
  Count client_bytes_in{};
  Count client_bytes_out{};
};

using Metrics = MetricsOf<uint64_t>;
using Counters = MetricsOf<Counter>;

inline void add(Metrics& sum, const Counters& part) {
  for (size_t action = 0; action < kActions; ++action) {
    for (size_t reason = 0; reason < kReasons; ++reason) {
      sum.requests[action][reason] += part.requests[action][reason].value();
    }
  }
  const auto each = [&](auto member) { sum.*(member.first) += (part.*(member.second)).value(); };
  const auto all = [&](auto... members) { (each(members), ...); };
#define SKERRY_METRIC(name) std::pair(&Metrics::name, &Counters::name)
  all(SKERRY_METRIC(clients), SKERRY_METRIC(connections), SKERRY_METRIC(upstream_connections),
      SKERRY_METRIC(upstream_reused), SKERRY_METRIC(upstream_errors), SKERRY_METRIC(retried),
      SKERRY_METRIC(replayed), SKERRY_METRIC(waits), SKERRY_METRIC(wait_micros),
      SKERRY_METRIC(holds), SKERRY_METRIC(hold_micros), SKERRY_METRIC(held),
      SKERRY_METRIC(writing),
      SKERRY_METRIC(gate_waits), SKERRY_METRIC(gate_micros), SKERRY_METRIC(gate_timeouts),
      SKERRY_METRIC(refused), SKERRY_METRIC(tunnels), SKERRY_METRIC(client_bytes_in),
      SKERRY_METRIC(client_bytes_out));
#undef SKERRY_METRIC
}

}  // namespace skerry::proxy
