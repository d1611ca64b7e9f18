// The points of the crash matrix: each call of the file system that a workload makes, by site and
// count, with what is to happen there; and the processes that try them. The workloads are an
// application's in each mode (workload.h), and a replica's (apply_points.h).
#pragma once

#include <string>
#include <vector>

#include "tests/crash/workload.h"

namespace skerry::test {

[[nodiscard]] size_t mode_count();
[[nodiscard]] std::string mode_name(size_t mode);

struct Point {
  size_t mode = 0;  // below mode_count()
  std::string site;
  unsigned nth = 1;
  std::string action;  // of a failpoint: "kill", "EIO", "ENOSPC"
};

// What an undisturbed run shows.
struct Undisturbed {
  std::vector<std::string> digests;  // after each step; [0] is before the first
  std::vector<std::string> trace;    // site of each call, in order
  std::string problem;               // empty: none
};
[[nodiscard]] Undisturbed run_undisturbed(size_t mode, const std::string& folder);

// What is wrong after it; empty: nothing. `folder` is made anew.
[[nodiscard]] std::string try_point(const Point& point, const Undisturbed& undisturbed,
                                    const std::string& folder);
// Ends the process there, and then the recovery from it at `nth` of its calls. Sets `reached` if
// the recovery made so many.
[[nodiscard]] std::string try_point_twice(const Point& point, unsigned nth,
                                          const Undisturbed& undisturbed, const std::string& folder,
                                          bool& reached);

}  // namespace skerry::test
