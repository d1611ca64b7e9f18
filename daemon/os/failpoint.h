// Failpoints: every file-system call carries a site label, and a test may make any of them fail or
// end the process there. Compiled out of release builds.
//
// The environment variable SKERRY_FAILPOINTS holds rules separated by commas:
//   <site>=kill[@n]        the process ends by SIGKILL before the n-th call there (default: first)
//   *=…                    the same for the calls of all sites together
//   <site>=<errno>[@n]     the n-th call fails with ENOSPC, EIO, …; @n+ : it and all that follow
// SKERRY_FAILPOINT_LOG names a file to which each site is appended the first time it is reached,
// SKERRY_FAILPOINT_TRACE one to which it is each time, so that a test can enumerate them.
#pragma once

namespace skerry::os {

// Where in the program a file-system call stands, e.g. "commit:log:append".
struct Site {
  explicit constexpr Site(const char* site_label) : label(site_label) {}
  const char* label;
};

#ifdef SKERRY_FAILPOINTS
// 0, or the errno that the call at this site is to fail with.
[[nodiscard]] int failpoint(Site site);
#else
[[nodiscard]] constexpr int failpoint(Site) {
  return 0;
}
#endif

}  // namespace skerry::os
