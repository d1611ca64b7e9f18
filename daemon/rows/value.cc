#include "daemon/rows/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace skerry::rows {

bool same(const Value& a, const Value& b) {
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  if (x != nullptr && y != nullptr) return std::memcmp(x, y, sizeof *x) == 0;
  return a == b;
}

bool same(const Row& a, const Row& b) {
  return std::ranges::equal(a, b, [](const Value& x, const Value& y) { return same(x, y); });
}

static std::string hex(std::string_view bytes) {
  std::string text = "x'";
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text + "'";
}

static std::string quoted(std::string_view text, char mark) {
  std::string all(1, mark);
  for (const char c : text) {
    all += c;
    if (c == mark) all += c;
  }
  return all + mark;
}

static std::string real(double value) {
  if (std::isinf(value)) return value < 0 ? "-9e999" : "9e999";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string sql(const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return fmt::format("{}", *number);
  if (const auto* number = std::get_if<double>(&value)) return real(*number);
  if (const auto* blob = std::get_if<Blob>(&value)) return hex(blob->bytes);
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (text->find('\0') == std::string::npos) return quoted(*text, '\'');
    return fmt::format("CAST({} AS TEXT)", hex(*text));
  }
  return "NULL";
}

std::string quote_name(std::string_view name) {
  return quoted(name, '"');
}

}  // namespace skerry::rows
