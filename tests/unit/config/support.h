// Helpers for the tests of configuration files.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "daemon/config/parse.h"

namespace skerry::config {

using Variables = std::map<std::string, std::string, std::less<>>;

inline Source source_with(Variables variables) {
  return {.name = "f.yml",
          .expand = true,
          .environment = [variables = std::move(variables)](
                             std::string_view name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            if (found == variables.end()) return std::nullopt;
            return found->second;
          },
          .hostname = "box"};
}

inline Result<Parsed> parse_with(std::string_view text, Variables variables = {}) {
  return parse(text, source_with(std::move(variables)));
}

// The least that a file must hold.
inline constexpr std::string_view kLeast = "lease: {type: static}\n";

inline std::string error_of(std::string_view text, Variables variables = {}) {
  const auto parsed = parse_with(text, std::move(variables));
  return parsed ? "" : parsed.error().message();
}

}  // namespace skerry::config
