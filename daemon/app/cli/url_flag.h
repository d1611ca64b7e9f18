// The flag -url, by which tools find a node's API.
#pragma once

#include <string>
#include <string_view>

#include "daemon/app/cli/flag_set.h"

namespace skerry::app {

inline constexpr std::string_view kDefaultUrl = "http://localhost:20202";

void declare_url(FlagSet& flags, std::string& url);

// kInvalid unless it begins with http:// or https://.
[[nodiscard]] Status check_url(const std::string& url);

}  // namespace skerry::app
