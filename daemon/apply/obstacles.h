// Who stands in the way at the moment: known to metrics, and one log line for each that stays.
//
// Threads: any.
#pragma once

#include <map>
#include <mutex>

#include "daemon/apply/applier.h"
#include "daemon/os/clock.h"

namespace skerry::apply {

class Obstacles {
 public:
  // How long somebody may be in the way before the log names him, and then again.
  static constexpr std::chrono::milliseconds kPatience{1'000};
  static constexpr std::chrono::milliseconds kAgain{60'000};

  explicit Obstacles(os::Clock& clock) : clock_(clock) {}

  // `pid` as F_OFD_GETLK says it: −1 is unknown. Called again and again as long as it lasts.
  void met(const std::string& database, Obstacle::Kind kind, int pid, uint32_t wal_frames);
  void gone(const std::string& database, Obstacle::Kind kind);
  [[nodiscard]] std::vector<Obstacle> list() const;

 private:
  struct Entry {
    Obstacle obstacle;
    os::MonotonicTime since;
    os::MonotonicTime log_at;
  };
  using Key = std::pair<std::string, Obstacle::Kind>;

  os::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<Key, Entry> entries_;  // guarded by mutex_; of live databases, so bounded by them
};

}  // namespace skerry::apply
