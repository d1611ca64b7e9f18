// Guesses what a misspelt name was meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace skerry::config {

// The name that takes the fewest edits, if they are few against its length; else empty. Case and
// '_' for '-' count as nothing.
[[nodiscard]] std::string nearest(std::string_view name, std::span<const std::string_view> known);

}  // namespace skerry::config
