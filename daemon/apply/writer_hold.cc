#include "daemon/apply/writer_hold.h"

#include <fmt/format.h>

#include <thread>

#include "daemon/os/process.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::apply {

namespace {

// Shorter than what SQLite's own writers sleep for when they find the lock taken.
constexpr std::chrono::microseconds kFirstPause{50};
constexpr std::chrono::microseconds kLongestPause{1'000};

}  // namespace

Status WriterHold::take(std::chrono::milliseconds at_most, const std::atomic<bool>& cancelled) {
  const auto deadline = clock_.now() + at_most;
  auto slice_end = clock_.now() + kSlice;
  auto pause = kFirstPause;
  for (;;) {
    look_for_databases();
    auto all = hold_all();
    if (all && *all) return {};
    const auto now = clock_.now();
    Status ended;
    if (!all) {
      ended = std::unexpected(std::move(all).error());
    } else if (cancelled.load()) {
      ended = fail(Errc::kCancelled, "this node ends");
    } else if (now > deadline) {
      ended = fail(Errc::kBusy, blocker());
    }
    if (!ended) {
      release();
      return ended;
    }
    if (now > slice_end) {
      release();
      slice_end = now + kSlice;
      pause = kLongestPause;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

void WriterHold::release() {
  for (const auto& [name, held] : held_) held->lock.reset();
  held_.clear();
}

void WriterHold::look_for_databases() {
  for (const auto& database : store_.list()) {
    auto& held = held_[database->name()];
    if (!held || held->database != database) held = std::make_unique<Held>(database, mount_, cache_);
  }
}

Result<bool> WriterHold::hold_all() {
  bool all = true;
  for (const auto& [name, held] : held_) {
    TRY_ASSIGN(const bool done, hold(*held));
    all = all && done;
  }
  return all;
}

Result<bool> WriterHold::hold(Held& held) {
  if (held.lock) return true;
  auto locked = lock(held);
  const bool is_gone = !locked && locked.error().code() == Errc::kNotFound;  // or is being replaced
  if (is_gone) locked = false;
  held.done = locked && *locked;
  if (held.done) return locked;
  held.in_the_way = holder(held);
  // Without a WAL a writer that finishes needs everybody else's SHARED gone.
  if (!held.wal) held.seat.leave();
  return locked;
}

Result<bool> WriterHold::lock(Held& held) {
  if (!held.replica.view().file) return true;
  TRY_ASSIGN(const bool connected, held.seat.connect());
  if (!connected) return false;
  TRY_ASSIGN(held.wal, uses_wal(held.replica));  // stays so under SHARED
  if (held.wal) {
    TRY_ASSIGN(const bool open, held.seat.open_wal());
    if (!open) return false;
    TRY_ASSIGN(held.lock, held.seat.lock_write());
    if (!held.lock) return false;
    auto prepared = held.wal_index.prepare();
    if (!prepared || !*prepared) held.lock.reset();
    return prepared;
  }
  TRY_ASSIGN(held.lock, held.seat.lock_reserved());
  // Under somebody's RESERVED readers take a journal for one in use, not for one that a writer left
  // when it died: the next reader must be free to play it back.
  if (held.lock && held.replica.view().journal_active) held.lock.reset();
  return held.lock.has_value();
}

std::optional<pid_t> WriterHold::holder(const Held& held) {
  if (!held.seat.connected()) return std::nullopt;
  if (!held.wal) return held.seat.reserved_holder();
  return held.seat.has_wal() ? held.seat.wal_holder(sqlite::kWalWriteLock) : std::nullopt;
}

// One of them is enough to go on with.
std::string WriterHold::blocker() const {
  for (const auto& [name, held] : held_) {
    if (held->done) continue;
    const pid_t pid = held->in_the_way.value_or(-1);
    const std::string who =
        pid > 0 ? fmt::format("process {} ({})", pid, os::program_of(pid)) : "a process";
    return fmt::format("a transaction of {} on database {} does not end: end it, or allow it more "
                       "time",
                       who, name);
  }
  return "a transaction does not end";
}

}  // namespace skerry::apply
