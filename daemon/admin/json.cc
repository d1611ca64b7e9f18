#include "daemon/admin/json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>

#include "daemon/log/escape.h"

namespace skerry::admin {

void JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  ++depth_;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  --depth_;
  if (!first_) new_line();
  text_ += bracket;
  first_ = false;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  value(name);
  text_ += indent_ > 0 ? ": " : ":";
  behind_key_ = true;
  return *this;
}

void JsonWriter::value(std::string_view text) {
  std::string clean;
  log::append_utf8(clean, text, SIZE_MAX);
  std::string quoted = "\"";
  for (const char c : clean) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  raw(quoted + '"');
}

void JsonWriter::value(int64_t number) {
  raw(fmt::format("{}", number));
}

void JsonWriter::value(uint64_t number) {
  raw(fmt::format("{}", number));
}

void JsonWriter::raw(std::string_view text) {
  separate();
  text_ += text;
  first_ = false;
}

void JsonWriter::separate() {
  if (std::exchange(behind_key_, false) || depth_ == 0) return;
  if (!first_) text_ += ',';
  new_line();
}

void JsonWriter::new_line() {
  if (indent_ == 0) return;
  text_ += '\n';
  text_.append(static_cast<size_t>(indent_ * depth_), ' ');
}

std::string rfc3339(int64_t unix_ms) {
  const int64_t seconds = unix_ms / 1000 - (unix_ms % 1000 < 0 ? 1 : 0);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), unix_ms - seconds * 1000);
}

}  // namespace skerry::admin
