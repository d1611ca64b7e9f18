// How far a replica is behind, from what the stream tells. Pure: times come from the caller.
//
// Heartbeats carry the primary's wall clock and stand in the stream's order: once one is processed,
// everything that was committed before it has been applied. The two clocks need not agree: the
// smallest difference seen in the last ten to twenty minutes is taken for the clocks' own.
//
// Threads: any; one lock, held for a few instructions.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace skerry::replication {

class Lag {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Something that the primary stamped with `primary_ms` has been applied, or (a heartbeat)
  // everything up to then.
  void applied(int64_t primary_ms, int64_t local_wall_ms, Time now);
  // Forgets the clocks' difference: the primary is another one.
  void new_primary();

  // Milliseconds; nothing before the first sync. Grows while nothing comes.
  [[nodiscard]] std::optional<int64_t> milliseconds(Time now) const;
  // The primary's clock of what was applied last; 0: nothing yet.
  [[nodiscard]] int64_t primary_ms() const;

 private:
  mutable std::mutex mutex_;
  bool synced_ = false;  // guarded by mutex_, as the rest
  // Local − primary clock at the quickest delivery, of this window and of the one before.
  std::optional<int64_t> difference_;
  std::optional<int64_t> difference_before_;
  Time window_;
  int64_t primary_ms_ = 0;
  int64_t delay_ms_ = 0;
  Time at_;
};

}  // namespace skerry::replication
