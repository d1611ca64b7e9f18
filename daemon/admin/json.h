// Writes JSON as text, in the order of the calls. Not UTF-8 in a string becomes \xNN, as in the
// log: names of databases may be any bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skerry::admin {

class JsonWriter {
 public:
  // `indent` 0: on one line, without spaces.
  explicit JsonWriter(int indent = 0) : indent_(indent) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  JsonWriter& key(std::string_view name);

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool truth) { raw(truth ? "true" : "false"); }
  void value(int64_t number);
  void value(uint64_t number);
  void value(uint32_t number) { value(uint64_t{number}); }
  void null() { raw("null"); }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void open(char bracket);
  void close(char bracket);
  void raw(std::string_view text);
  void separate();
  void new_line();

  const int indent_;
  int depth_ = 0;
  bool first_ = true;  // in the innermost object or array
  bool behind_key_ = false;
  std::string text_;
};

// "2023-05-06T07:08:09.123Z"
[[nodiscard]] std::string rfc3339(int64_t unix_ms);

}  // namespace skerry::admin
