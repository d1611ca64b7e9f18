// Assertions that stay on in release builds. They check what programmers promised each other; input
// from disk, wire, kernel or user is never checked this way but answered with an Error.
#pragma once

namespace skerry {

[[noreturn]] void invariant_failed(const char* condition, const char* file, int line);

}  // namespace skerry

#define INVARIANT(condition)                                      \
  do {                                                            \
    if (!(condition)) [[unlikely]]                                \
      ::skerry::invariant_failed(#condition, __FILE__, __LINE__); \
  } while (false)
