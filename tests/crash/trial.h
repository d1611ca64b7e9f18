// The processes of the crash matrix: each trial runs in one of its own, with its failpoints.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

namespace skerry::test {

inline constexpr size_t kTrialTextBytesMax = size_t{1} << 20;
// How often a step is tried whose call fails once.
inline constexpr unsigned kTrialTriesMax = 4;

// What a trial tells, also when it is killed.
struct Shared {
  size_t done = 0;  // steps that returned
  uint8_t boot = 1;
  std::array<char, kTrialTextBytesMax> text{};

  static Shared& instance();
  void say(const std::string& what);
};

struct Ended {
  bool killed = false;
  std::string problem;  // what `work` returned, or how it ended
};

// Runs `work` with these failpoints (see daemon/os/failpoint.h), and a trace of the sites into the
// file `trace`, if that has a name.
[[nodiscard]] Ended in_child(const std::string& failpoints, const std::string& trace,
                             const std::function<std::string()>& work);

void make_anew(const std::string& folder);

}  // namespace skerry::test
