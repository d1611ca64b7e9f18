#include "daemon/app/client/outcome.h"

#include <fmt/format.h>

#include "daemon/config/duration.h"
#include "daemon/log/escape.h"

namespace skerry::app {

Output failure(const Error& error) {
  return {kExitRunError, "", fmt::format("ERROR: {}\n", error.message())};
}

std::string success_line(std::string_view what, std::string_view database,
                         std::chrono::nanoseconds took) {
  using namespace std::chrono_literals;
  std::string name;
  log::append_quotable(name, database, SIZE_MAX);
  const std::chrono::nanoseconds unit = took < 1s ? std::chrono::nanoseconds(1ms) : 100ms;
  const auto rounded = std::max((took + unit / 2) / unit * unit, std::chrono::nanoseconds(1ms));
  return fmt::format("{} of database \"{}\" in {}\n", what, name, config::format_duration(rounded));
}

}  // namespace skerry::app
