#include "ltx/base/invariant.h"

#include <cstdio>
#include <cstdlib>

namespace skerry {

void invariant_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "FATAL %s:%d: invariant broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace skerry
