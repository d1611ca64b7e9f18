// The crash matrix's points on a replica (apply_workload.h), as those of points.h.
#pragma once

#include "tests/crash/points.h"

namespace skerry::test {

// The primary's journal modes.
[[nodiscard]] const std::vector<std::string>& apply_modes();

[[nodiscard]] Undisturbed run_apply_undisturbed(size_t mode, const std::string& folder);
[[nodiscard]] std::string try_apply_point(size_t mode, const Point& point,
                                          const Undisturbed& undisturbed,
                                          const std::string& folder);
[[nodiscard]] std::string try_apply_point_twice(size_t mode, const Point& point, unsigned nth,
                                                const Undisturbed& undisturbed,
                                                const std::string& folder, bool& reached);

}  // namespace skerry::test
