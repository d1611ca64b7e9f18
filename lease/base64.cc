#include "lease/base64.h"

#include <cstdint>

namespace skerry::lease {

static constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_encode(std::string_view data) {
  std::string text;
  text.reserve((data.size() + 2) / 3 * 4);
  for (size_t at = 0; at < data.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < data.size() ? static_cast<uint8_t>(data[at + i]) : 0u);
    }
    const size_t digits = std::min<size_t>(data.size() - at, 3) + 1;
    for (size_t i = 0; i < 4; ++i) {
      text += i < digits ? kDigits[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string data;
  data.reserve(text.size() / 4 * 3);
  while (text.ends_with('=') && text.size() % 4 != 2) text.remove_suffix(1);
  uint32_t group = 0;
  uint32_t bits = 0;
  for (const char digit : text) {
    const size_t value = kDigits.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    group = group << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    data += static_cast<char>(group >> bits & 0xff);
  }
  return data;
}

}  // namespace skerry::lease
