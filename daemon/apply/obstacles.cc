#include "daemon/apply/obstacles.h"

#include "daemon/log/log.h"
#include "daemon/os/process.h"

namespace skerry::apply {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

void say(const Obstacle& who) {
  const log::Fields fields{{"db", who.database},
                           {"pid", who.pid},
                           {"program", who.program},
                           {"since_ms", who.since.count()},
                           {"wal_frames", who.wal_frames}};
  switch (who.kind) {
    case Obstacle::Kind::kWriter:
      log::warn("apply-blocked",
                "a local process holds the write lock, so this replica falls behind; end its "
                "transaction",
                fields);
      return;
    case Obstacle::Kind::kReader:
      log::warn("apply-blocked",
                "a local read transaction keeps the database file from being written; end it, or "
                "use WAL mode on the primary",
                fields);
      return;
    case Obstacle::Kind::kOldSnapshot:
      log::warn("wal-grows",
                "a local read transaction is so old that the WAL cannot be started over; end it",
                fields);
      return;
  }
}

}  // namespace

void Obstacles::met(const std::string& database, Obstacle::Kind kind, int pid,
                    uint32_t wal_frames) {
  const auto now = clock_.now();
  Obstacle due;
  {
    const std::lock_guard lock(mutex_);
    const auto [at, inserted] = entries_.try_emplace({database, kind});
    Entry& entry = at->second;
    if (inserted || entry.obstacle.pid != pid) {
      const bool at_once = kind == Obstacle::Kind::kOldSnapshot;
      entry = {{database, kind, pid, "", {}, wal_frames}, now, at_once ? now : now + kPatience};
    }
    entry.obstacle.wal_frames = wal_frames;
    if (now < entry.log_at) return;
    entry.log_at = now + kAgain;
    entry.obstacle.since = duration_cast<milliseconds>(now - entry.since);
    if (pid > 0) entry.obstacle.program = os::program_of(pid);
    due = entry.obstacle;
  }
  say(due);
}

void Obstacles::gone(const std::string& database, Obstacle::Kind kind) {
  const std::lock_guard lock(mutex_);
  if (!entries_.empty()) entries_.erase({database, kind});
}

std::vector<Obstacle> Obstacles::list() const {
  const auto now = clock_.now();
  const std::lock_guard lock(mutex_);
  std::vector<Obstacle> all;
  for (const auto& [key, entry] : entries_) {
    if (now < entry.log_at && now - entry.since < kPatience) continue;
    Obstacle obstacle = entry.obstacle;
    obstacle.since = duration_cast<milliseconds>(now - entry.since);
    if (obstacle.pid > 0) obstacle.program = os::program_of(obstacle.pid);
    all.push_back(std::move(obstacle));
  }
  return all;
}

}  // namespace skerry::apply
