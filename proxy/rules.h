// proxy.rules: where single routes go, whatever their method says. One rule a line of text:
//
//   METHODS PATH local|primary [Header[=pattern]]
//
//   POST /graphql local X-Operation=query       a read that comes as a POST
//   GET,HEAD /oauth/* primary                   a GET that writes
//   * /reports/* local                          any method
//
// The first rule that fits decides; without one, the method does. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ltx/base/result.h"
#include "proxy/http/field.h"

namespace skerry::proxy {

enum class Place : uint8_t { kLocal, kPrimary };

struct Rule {
  std::vector<std::string> methods;  // empty: any
  std::string path;                  // a pattern
  Place place;
  std::string header;        // empty: none asked for
  std::string header_value;  // a pattern
};

[[nodiscard]] Result<Rule> parse_rule(std::string_view text);

[[nodiscard]] std::optional<Place> place_of(const std::vector<Rule>& rules, std::string_view method,
                                            std::string_view path, const Fields& fields);

// Methods that HTTP's registry calls safe.
[[nodiscard]] bool is_read(std::string_view method);

}  // namespace skerry::proxy
