#include "daemon/config/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace skerry::config {
namespace {

constexpr std::array<std::string_view, 11> kTrue = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                                    "y",    "Y",    "on",   "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse = {"false", "False", "FALSE", "no",  "No", "NO",
                                                     "n",     "N",     "off",   "Off", "OFF"};

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

std::optional<uint32_t> parse_count(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace skerry::config
