#include "daemon/config/environment.h"

#include <unistd.h>

#include <array>
#include <cstdlib>

namespace skerry::config {

std::string os_hostname() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (name == "HOSTNAME" && (value == nullptr || *value == '\0')) return os_hostname();
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

}  // namespace skerry::config
