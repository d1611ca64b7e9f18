// The simplest values of a configuration file.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace skerry::config {

// What YAML readers of Go take for a boolean: true, yes, y, on and their opposites, in lower case,
// upper case or capitalised.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text);

// A whole number from 0 on, in decimal digits.
[[nodiscard]] std::optional<uint32_t> parse_count(std::string_view text);

}  // namespace skerry::config
