#include "daemon/log/format.h"

#include <fmt/format.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <ctime>
#include <iterator>

#include "daemon/log/escape.h"

namespace skerry::log {
namespace {

namespace json = boost::json;

template <typename... Ts>
struct Overload : Ts... {
  using Ts::operator()...;
};

// RFC 3339 in UTC with milliseconds.
std::string format_time(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const std::time_t unix_time = seconds.count();
  std::tm parts{};
  gmtime_r(&unix_time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     (since - seconds).count());
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7F || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void append_text_value(std::string& line, std::string_view text) {
  if (!needs_quotes(text)) {
    append_printable(line, text, kTextBytesMax);
    return;
  }
  line += '"';
  append_quotable(line, text, kTextBytesMax);
  line += '"';
}

void append_field(std::string& line, const Field& field) {
  line += ' ';
  append_printable(line, field.name, kTextBytesMax);
  line += '=';
  std::visit(Overload{[&](std::string_view text) { append_text_value(line, text); },
                      [&](auto number) { fmt::format_to(std::back_inserter(line), "{}", number); }},
             field.value.get());
}

std::string utf8(std::string_view text) {
  std::string out;
  append_utf8(out, text, kTextBytesMax);
  return out;
}

// JSON has no NaN and no infinity.
json::value json_number(double number) {
  if (std::isfinite(number)) return number;
  return nullptr;
}

json::value json_value(const Value& value, const json::storage_ptr& memory) {
  return std::visit(Overload{[&](std::string_view text) { return json::value(utf8(text), memory); },
                             [&](double number) { return json_number(number); },
                             [&](auto exact) { return json::value(exact, memory); }},
                    value.get());
}

bool is_fixed_name(std::string_view name) {
  return name == "time" || name == "level" || name == "key" || name == "msg";
}

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::kDebug:
      return "DEBUG";
    case Level::kInfo:
      return "INFO";
    case Level::kWarn:
      return "WARN";
    case Level::kError:
      return "ERROR";
  }
  return "ERROR";
}

std::string format_text(const Record& record) {
  std::string line;
  if (record.time) {
    line += format_time(*record.time);
    line += ' ';
  }
  fmt::format_to(std::back_inserter(line), "{:<5} ", to_string(record.level));
  append_printable(line, record.key, kTextBytesMax);
  line += ": ";
  append_printable(line, record.message, kTextBytesMax);
  for (const Field& field : record.fields) append_field(line, field);
  line += '\n';
  return line;
}

std::string format_json(const Record& record) {
  unsigned char buffer[2048];  // enough for most lines, so that they cost no allocation per member
  json::monotonic_resource memory(buffer);
  const json::storage_ptr storage(&memory);
  json::object object(storage);
  if (record.time) object.emplace("time", format_time(*record.time));
  object.emplace("level", to_string(record.level));
  object.emplace("key", utf8(record.key));
  object.emplace("msg", utf8(record.message));
  for (const Field& field : record.fields) {
    std::string name = utf8(field.name);
    if (is_fixed_name(name)) name += '_';
    object.insert_or_assign(name, json_value(field.value, storage));
  }
  std::string line = json::serialize(object);
  line += '\n';
  return line;
}

}  // namespace skerry::log
