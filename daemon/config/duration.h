// Durations as the configuration file writes them: Go's form, "10s", "1m30s", "1.5h", "100ms".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/config/config.h"

namespace skerry::config {

// Numbers with units (ns, us, ms, s, m, h), one after the other, a sign before the first; or "0".
// Nothing if the text is not of that form or exceeds 292 years.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

// The shortest such text that parse_duration() reads back exactly: "1m30s", "250ms", "0s".
[[nodiscard]] std::string format_duration(Duration duration);

}  // namespace skerry::config
