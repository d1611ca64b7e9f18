#include "daemon/config/duration.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <limits>

namespace skerry::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};

// Longer names first, for "m" begins "ms".
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"\u00b5s", 1'000},  // micro sign
                                         {"\u03bcs", 1'000},  // Greek mu
                                         {"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

const Unit* take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return &unit;
  }
  return nullptr;
}

// A decimal number split at its point. The fraction keeps as many digits as an hour has
// nanoseconds; what follows them is too small to count.
struct Number {
  int64_t whole = 0;
  int64_t fraction = 0;
  int64_t scale = 1;  // fraction / scale < 1
  bool digits = false;
};

std::optional<Number> take_number(std::string_view& text) {
  constexpr int64_t kScaleMax = 1'000'000'000'000'000;
  Number number;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    number.digits = true;
    if (__builtin_mul_overflow(number.whole, 10, &number.whole)) return std::nullopt;
    if (__builtin_add_overflow(number.whole, text.front() - '0', &number.whole))
      return std::nullopt;
  }
  if (!text.starts_with('.')) return number;
  text.remove_prefix(1);
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    number.digits = true;
    if (number.scale == kScaleMax) continue;
    number.fraction = number.fraction * 10 + (text.front() - '0');
    number.scale *= 10;
  }
  return number;
}

// Two factors of up to 10^15 and 3.6 × 10^12 ask for more than 64 bits.
int64_t fraction_ns(const Number& number, int64_t unit_ns) {
  __extension__ using Wide = __int128;
  return static_cast<int64_t>(Wide{number.fraction} * unit_ns / number.scale);
}

bool add_part(std::string_view& text, int64_t& total_ns) {
  const std::optional<Number> number = take_number(text);
  if (!number || !number->digits) return false;
  const Unit* unit = take_unit(text);
  if (unit == nullptr) return false;
  int64_t part_ns = 0;
  return !__builtin_mul_overflow(number->whole, unit->ns, &part_ns) &&
         !__builtin_add_overflow(part_ns, fraction_ns(*number, unit->ns), &part_ns) &&
         !__builtin_add_overflow(total_ns, part_ns, &total_ns);
}

// ns / unit_ns as a decimal number without trailing zeros.
std::string decimal(uint64_t ns, uint64_t unit_ns) {
  std::string text = fmt::format("{}", ns / unit_ns);
  uint64_t rest = ns % unit_ns;
  if (rest == 0) return text;
  text += '.';
  for (uint64_t digit_ns = unit_ns / 10; rest > 0; digit_ns /= 10) {
    text += static_cast<char>('0' + rest / digit_ns);
    rest %= digit_ns;
  }
  return text;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  int64_t total_ns = 0;
  while (!text.empty()) {
    if (!add_part(text, total_ns)) return std::nullopt;
  }
  return Duration(negative ? -total_ns : total_ns);
}

std::string format_duration(Duration duration) {
  constexpr uint64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
  if (duration.count() == 0) return "0s";
  std::string text = duration.count() < 0 ? "-" : "";
  uint64_t ns = static_cast<uint64_t>(duration.count());
  if (duration.count() < 0) ns = 0 - ns;
  if (ns < 1'000) return text + fmt::format("{}ns", ns);
  if (ns < 1'000'000) return text + decimal(ns, 1'000) + "us";
  if (ns < kSecond) return text + decimal(ns, 1'000'000) + "ms";
  if (ns >= kHour) text += fmt::format("{}h", ns / kHour);
  if (ns % kHour >= kMinute) text += fmt::format("{}m", ns % kHour / kMinute);
  if (ns % kMinute > 0) text += decimal(ns % kMinute, kSecond) + "s";
  return text;
}

}  // namespace skerry::config
