// The arguments that this process was started with, its path first.
#pragma once

#include <string>
#include <vector>

namespace skerry::app {

[[nodiscard]] std::vector<std::string> process_arguments();

}  // namespace skerry::app
