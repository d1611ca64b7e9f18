// The times that an election goes by. ELECTION.md argues why they are safe together.
#pragma once

#include "lease/lease_clock.h"

namespace skerry::lease {

struct Terms {
  Duration term = std::chrono::seconds(3);          // of the right to write
  Duration session_ttl = std::chrono::seconds(10);  // Consul's
};

// How long the right to write outlives the sending of a touch that succeeded: the holder takes the
// margin off, whoever wants to take over puts it on.
[[nodiscard]] constexpr Duration margin(Duration term) {
  return term / 10;
}
[[nodiscard]] constexpr Duration right_after_touch(Duration term) {
  return term - margin(term);
}
[[nodiscard]] constexpr Duration silence_before_takeover(Duration term) {
  return term + margin(term);
}

[[nodiscard]] constexpr Duration touch_every(Duration term) {
  return term / 3;
}
// Without a successful touch for so long, the holder asks the candidates for their promise.
[[nodiscard]] constexpr Duration failsafe_after(Duration term) {
  return term * 2 / 5;
}
[[nodiscard]] constexpr Duration ask_promises_every(Duration term) {
  return term / 6;
}

inline constexpr Duration kTermMin = std::chrono::seconds(1);
inline constexpr Duration kTermMax = std::chrono::minutes(1);

inline constexpr Duration kRetryAfter = std::chrono::milliseconds(250);
inline constexpr Duration kSurveyBound = std::chrono::seconds(1);  // for peers to answer
inline constexpr Duration kCatchUpBound =
    std::chrono::seconds(30);  // then the peers are asked anew
inline constexpr Duration kRegisterEvery = std::chrono::minutes(5);  // a node's entry
inline constexpr Duration kNameConflictLasts = std::chrono::minutes(1);
inline constexpr Duration kForgetNodeAfter = std::chrono::hours(1);  // whose entry did not move
inline constexpr Duration kProgressEvery = std::chrono::seconds(5);  // the record's position
inline constexpr Duration kYieldBound = std::chrono::seconds(5);     // for the successor to take it
inline constexpr Duration kForceBound = std::chrono::minutes(1);     // an operator's word holds
inline constexpr int kTouchesInFlightMax = 3;

}  // namespace skerry::lease
