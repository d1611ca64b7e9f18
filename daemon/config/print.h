// A configuration as text.
#pragma once

#include <string>

#include "daemon/config/config.h"

namespace skerry::config {

// All keys with their values, defaults marked as such, secrets redacted. It is a configuration file
// itself: parse() reads the same settings from it, but for the secrets.
[[nodiscard]] std::string print(const Config& config);

}  // namespace skerry::config
