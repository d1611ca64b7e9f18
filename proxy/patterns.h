// Path patterns as LiteFS has them: literal text in which each * stands for any text, also none,
// also slashes; a pattern covers the whole path. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skerry::proxy {

[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);
[[nodiscard]] bool matches_any(const std::vector<std::string>& patterns, std::string_view text);

// Written as if it were a regular expression, which would match nothing that its author wants.
[[nodiscard]] bool looks_like_regex(std::string_view pattern);

// A path without its percent-encoding, as applications and patterns see it. What is encoded badly
// stays as it is. `storage` holds the result where it differs from `path`.
[[nodiscard]] std::string_view decoded_path(std::string_view path, std::string& storage);

}  // namespace skerry::proxy
