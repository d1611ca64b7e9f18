// What a command prints and how it exits, as a value, so that it can be tested without a process.
#pragma once

#include <string>

namespace skerry::app {

inline constexpr int kExitRunError = 1;
inline constexpr int kExitUsageError = 2;  // of the configuration, too

struct Output {
  int exit_code = 0;
  std::string out;  // for stdout
  std::string err;  // for stderr
};

// Prints both and returns the exit code.
[[nodiscard]] int emit(const Output& output);

}  // namespace skerry::app
