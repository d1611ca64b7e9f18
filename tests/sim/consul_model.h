// Consul's key-value store and sessions as far as the lease uses them, on virtual time: one log of
// changes, ModifyIndex, lock-delay, sessions that end between one and two TTLs after their last
// renewal (behaviour: delete).
#pragma once

#include <functional>
#include <map>
#include <random>

#include "lease/election_io.h"

namespace skerry::sim {

class ConsulModel {
 public:
  using Time = lease::Time;
  using Duration = lease::Duration;
  struct Options {
    Duration ttl = std::chrono::seconds(10);
    Duration lock_delay = std::chrono::seconds(1);
  };
  struct Written {
    lease::Verdict verdict = lease::Verdict::kRefused;
    uint64_t index = 0;
  };

  ConsulModel(Options options, std::mt19937_64& random) : options_(options), random_(random) {}

  [[nodiscard]] std::string make_session(Time now);
  [[nodiscard]] bool renew(const std::string& session, Time now);
  void destroy(const std::string& session, Time now);
  [[nodiscard]] Written apply(const lease::Ops& ops, Time now);
  [[nodiscard]] lease::View view() const;
  [[nodiscard]] uint64_t index() const { return index_; }

  // When the next session ends, unless it is renewed; the caller calls expire() then.
  [[nodiscard]] Time next_expiry() const;
  void expire(Time now);
  void restart(Time now);  // a new leader: every session's time begins anew

  void delete_by_hand(lease::Op::Place place);
  void delete_everything();
  [[nodiscard]] std::string holder_session() const;
  // Called after every change.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

 private:
  using Key = std::pair<lease::Op::Place, std::string>;
  struct Entry {
    lease::Op::Value value;
    std::string session;
    uint64_t index = 0;
  };
  using Store = std::map<Key, Entry>;
  [[nodiscard]] Time deadline(Time now);
  [[nodiscard]] bool apply(const lease::Op& op, Store& store, uint64_t index) const;
  void changed();

  const Options options_;
  std::mt19937_64& random_;
  uint64_t index_ = 1;
  uint64_t last_session_ = 0;
  Store store_;
  std::map<std::string, Time> sessions_;  // with the time of their end
  std::map<Key, Time> delayed_until_;
  std::function<void()> changed_ = [] {};
};

}  // namespace skerry::sim
