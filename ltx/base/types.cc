#include "ltx/base/types.h"

#include <charconv>

namespace skerry {

std::string hex16(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

std::string to_string(Position position) {
  return to_string(position.txid) + "/" + to_string(position.checksum);
}

std::optional<uint64_t> parse_hex16(std::string_view text) {
  uint64_t value = 0;
  if (text.size() != 16) return std::nullopt;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace skerry
