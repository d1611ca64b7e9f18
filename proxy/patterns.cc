#include "proxy/patterns.h"

#include <algorithm>

namespace skerry::proxy {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

// Greedy with one point of return: each * is satisfied by the first place where the text after it
// fits, so that the time is O(pattern × text) at worst, whatever a client sends.
bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view text) {
  return std::ranges::any_of(patterns, [&](const auto& one) { return matches(one, text); });
}

bool looks_like_regex(std::string_view pattern) {
  return pattern.starts_with('^') || pattern.ends_with('$') || pattern.contains("/.*") ||
         pattern.contains('\\') || pattern.contains("(?");
}

std::string_view decoded_path(std::string_view path, std::string& storage) {
  if (!path.contains('%')) return path;
  storage.clear();
  for (size_t i = 0; i < path.size(); ++i) {
    const bool encoded = path[i] == '%' && i + 2 < path.size() && hex_digit(path[i + 1]) >= 0 &&
                         hex_digit(path[i + 2]) >= 0;
    if (encoded) {
      storage += static_cast<char>(hex_digit(path[i + 1]) * 16 + hex_digit(path[i + 2]));
      i += 2;
    } else {
      storage += path[i];
    }
  }
  return storage;
}

}  // namespace skerry::proxy
