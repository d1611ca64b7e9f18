#include "daemon/app/cli/output.h"

#include <cstdio>

namespace skerry::app {

int emit(const Output& output) {
  (void)std::fwrite(output.out.data(), 1, output.out.size(), stdout);
  const bool printed = std::fflush(stdout) == 0;
  (void)std::fwrite(output.err.data(), 1, output.err.size(), stderr);
  // Whoever reads a truncated output must not take it for the whole.
  if (!printed && output.exit_code == 0) return kExitRunError;
  return output.exit_code;
}

}  // namespace skerry::app
