// Figures as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace skerry::admin {

[[nodiscard]] std::string human_size(uint64_t bytes);   // "1.2 MB"
[[nodiscard]] std::string human_span(int64_t seconds);  // "3 s", "5 min", "2 h 5 min", "4 days"

}  // namespace skerry::admin
