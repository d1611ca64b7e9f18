#include "daemon/config/size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace skerry::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t bytes;
};

// From the largest to the smallest, as format_size() tries them.
constexpr std::array<Unit, 9> kUnits = {{{"TiB", 1ull << 40},
                                         {"TB", 1'000'000'000'000},
                                         {"GiB", 1ull << 30},
                                         {"GB", 1'000'000'000},
                                         {"MiB", 1ull << 20},
                                         {"MB", 1'000'000},
                                         {"KiB", 1ull << 10},
                                         {"KB", 1'000},
                                         {"B", 1}}};

constexpr uint64_t kBytesMax = 1ull << 63;
constexpr size_t kFractionDigitsMax = 6;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<uint64_t> unit_bytes(std::string_view name, uint64_t plain_unit) {
  if (name.empty()) return plain_unit;
  for (const Unit& unit : kUnits) {
    if (equal_ignoring_case(unit.name, name)) return unit.bytes;
  }
  return std::nullopt;
}

std::optional<uint64_t> take_digits(std::string_view& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

// What the digits after the point add, if that is a whole number of bytes.
std::optional<uint64_t> take_fraction(std::string_view& text, uint64_t unit) {
  const size_t digits_before = text.size();
  const std::optional<uint64_t> fraction = take_digits(text);
  const size_t digits = digits_before - text.size();
  if (!fraction || digits > kFractionDigitsMax) return std::nullopt;
  uint64_t scale = 1;
  for (size_t i = 0; i < digits; ++i) scale *= 10;
  uint64_t scaled = 0;
  if (__builtin_mul_overflow(*fraction, unit, &scaled) || scaled % scale != 0) return std::nullopt;
  return scaled / scale;
}

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text, uint64_t plain_unit) {
  const size_t unit_at = std::min(text.find_first_not_of("0123456789."), text.size());
  std::string_view name = text.substr(unit_at);
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  const std::optional<uint64_t> unit = unit_bytes(name, plain_unit);
  text = text.substr(0, unit_at);
  const std::optional<uint64_t> whole = take_digits(text);
  uint64_t bytes = 0;
  if (!unit || !whole || __builtin_mul_overflow(*whole, *unit, &bytes)) return std::nullopt;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::optional<uint64_t> fraction = take_fraction(text, *unit);
    if (!fraction || __builtin_add_overflow(bytes, *fraction, &bytes)) return std::nullopt;
  }
  if (!text.empty() || bytes > kBytesMax) return std::nullopt;
  return bytes;
}

std::string format_size(uint64_t bytes) {
  if (bytes == 0) return "0";
  const auto* unit =
      std::ranges::find_if(kUnits, [&](const Unit& u) { return bytes % u.bytes == 0; });
  return fmt::format("{}{}", bytes / unit->bytes, unit->name);
}

}  // namespace skerry::config
