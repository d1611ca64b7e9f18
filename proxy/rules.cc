#include "proxy/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "proxy/patterns.h"

namespace skerry::proxy {
namespace {

constexpr auto kReads = std::to_array<std::string_view>(
    {"GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "REPORT", "SEARCH"});

std::string_view next_word(std::string_view& rest) {
  rest = trimmed(rest);
  const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::unexpected<Error> malformed(std::string_view text, std::string_view what) {
  return fail(Errc::kInvalid,
              fmt::format("proxy.rules \"{}\": {}; write METHODS PATH local|primary "
                          "[Header[=pattern]], such as \"POST /graphql local X-Operation=query\"",
                          text, what));
}

bool fits(const Rule& rule, std::string_view method, std::string_view path, const Fields& fields) {
  const bool method_fits =
      rule.methods.empty() || std::ranges::find(rule.methods, method) != rule.methods.end();
  if (!method_fits || !matches(rule.path, path)) return false;
  return rule.header.empty() || std::ranges::any_of(fields, [&](const Field& field) {
           return equal_ignoring_case(field.name, rule.header) &&
                  matches(rule.header_value, field.value);
         });
}

}  // namespace

Result<Rule> parse_rule(std::string_view text) {
  Rule rule;
  std::string_view rest = text;
  std::string_view methods = next_word(rest);
  rule.path = next_word(rest);
  const std::string_view place = next_word(rest);
  const std::string_view header = next_word(rest);
  if (!trimmed(rest).empty()) return malformed(text, "there is more than four words");
  if (!rule.path.starts_with('/') && !rule.path.starts_with('*')) {
    return malformed(text, "the path begins neither with / nor with *");
  }
  if (looks_like_regex(rule.path)) return malformed(text, "the path is no regular expression");
  if (place != "local" && place != "primary") return malformed(text, "it says no place");
  rule.place = place == "local" ? Place::kLocal : Place::kPrimary;
  if (methods != "*") {
    for (std::string_view one; next_element(methods, one);) rule.methods.emplace_back(one);
  }
  const size_t equals = header.find('=');
  rule.header = header.substr(0, equals);
  rule.header_value = equals == std::string_view::npos ? "*" : header.substr(equals + 1);
  return rule;
}

std::optional<Place> place_of(const std::vector<Rule>& rules, std::string_view method,
                              std::string_view path, const Fields& fields) {
  const auto found = std::ranges::find_if(
      rules, [&](const Rule& rule) { return fits(rule, method, path, fields); });
  if (found == rules.end()) return std::nullopt;
  return found->place;
}

bool is_read(std::string_view method) {
  return std::ranges::find(kReads, method) != kReads.end();
}

}  // namespace skerry::proxy
