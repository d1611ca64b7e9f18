#include "daemon/log/escape.h"

#include <cstdint>

namespace skerry::log {
namespace {

enum class Escape { kInvalidOnly, kControls, kControlsAndQuotes };

uint8_t byte_at(std::string_view text, size_t at) {
  return static_cast<uint8_t>(text[at]);
}

bool continues(std::string_view text, size_t at) {
  return at < text.size() && (byte_at(text, at) & 0xC0) == 0x80;
}

// The length of the UTF-8 character that starts at `at`, 0 if none does. Overlong forms,
// surrogates and what lies past U+10FFFF are refused, as RFC 3629 asks.
size_t character_bytes(std::string_view text, size_t at) {
  const uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return 1;
  if (!continues(text, at + 1)) return 0;
  const uint8_t second = byte_at(text, at + 1);
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (!continues(text, at + 2)) return 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && second < 0xA0;
    const bool surrogate = lead == 0xED && second >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead < 0xF0 || lead > 0xF4 || !continues(text, at + 3)) return 0;
  const bool overlong = lead == 0xF0 && second < 0x90;
  const bool too_large = lead == 0xF4 && second >= 0x90;
  return overlong || too_large ? 0 : 4;
}

void append_hex(std::string& out, uint8_t byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

void append_ascii(std::string& out, char c, Escape escape) {
  const bool control = static_cast<uint8_t>(c) < 0x20 || c == 0x7F;
  if (escape == Escape::kControlsAndQuotes && (c == '"' || c == '\\')) {
    out += '\\';
    out += c;
  } else if (!control || escape == Escape::kInvalidOnly) {
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    append_hex(out, static_cast<uint8_t>(c));
  }
}

void append_escaped(std::string& out, std::string_view text, size_t bytes_max, Escape escape) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t bytes = character_bytes(text, at);
    if (at + bytes > bytes_max || at >= bytes_max) {
      out += "…";
      return;
    }
    if (bytes == 0) {
      append_hex(out, byte_at(text, at));
      ++at;
      continue;
    }
    if (bytes == 1) {
      append_ascii(out, text[at], escape);
    } else {
      out += text.substr(at, bytes);
    }
    at += bytes;
  }
}

}  // namespace

void append_printable(std::string& out, std::string_view text, size_t bytes_max) {
  append_escaped(out, text, bytes_max, Escape::kControls);
}

void append_quotable(std::string& out, std::string_view text, size_t bytes_max) {
  append_escaped(out, text, bytes_max, Escape::kControlsAndQuotes);
}

void append_utf8(std::string& out, std::string_view text, size_t bytes_max) {
  append_escaped(out, text, bytes_max, Escape::kInvalidOnly);
}

}  // namespace skerry::log
