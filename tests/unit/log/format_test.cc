#include "daemon/log/format.h"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <limits>

#include "daemon/log/escape.h"

namespace skerry::log {
namespace {

using namespace std::chrono_literals;

Record record(std::span<const Field> fields, std::string_view message = "something happened") {
  return {Level::kInfo, "some-event", message, fields, std::nullopt};
}

TEST_CASE("text lines hold level, key, message and fields") {
  const std::string two_words = "two words";
  const Field fields[] = {{"db", "app.db"}, {"pid", 17},       {"offset", uint64_t{1} << 63},
                          {"ratio", 0.5},   {"fresh", true},   {"name", two_words},
                          {"empty", ""},    {"quote", "a\"b"}, {"lines", "a\nb"},
                          {"equals", "a=b"}};
  CHECK(format_text(record(fields)) ==
        "INFO  some-event: something happened db=app.db pid=17 offset=9223372036854775808 "
        "ratio=0.5 fresh=true name=\"two words\" empty=\"\" quote=\"a\\\"b\" lines=\"a\\nb\" "
        "equals=\"a=b\"\n");
  Record warning = record({});
  warning.level = Level::kWarn;
  warning.time = std::chrono::sys_days(2026y / 3 / 1) + 12h + 250ms;
  CHECK(format_text(warning) == "2026-03-01T12:00:00.250Z WARN  some-event: something happened\n");
}

TEST_CASE("a record is one line, whatever it holds") {
  const Field fields[] = {{"a\nb", "c\r\nd"}};
  const std::string text = format_text(record(fields, "first\nsecond\x1b[31m\x7f"));
  CHECK(text == "INFO  some-event: first\\nsecond\\x1b[31m\\x7f a\\nb=\"c\\r\\nd\"\n");
  const std::string json = format_json(record(fields, "first\nsecond"));
  CHECK(json.find('\n') == json.size() - 1);
}

TEST_CASE("JSON lines hold the same as one object") {
  const Field fields[] = {{"db", "app.db"},
                          {"pid", -17},
                          {"big", ~uint64_t{0}},
                          {"share", 0.25},
                          {"fresh", false},
                          {"key", "of a field"},
                          {"nan", std::numeric_limits<double>::quiet_NaN()}};
  Record full = record(fields, "a \"quoted\" line\n");
  full.level = Level::kError;
  full.time = std::chrono::sys_days(1999y / 12 / 31) + 23h + 59min + 59s + 7ms;
  CHECK(format_json(full) ==
        R"({"time":"1999-12-31T23:59:59.007Z","level":"ERROR","key":"some-event",)"
        R"("msg":"a \"quoted\" line\n","db":"app.db","pid":-17,"big":18446744073709551615,)"
        R"("share":2.5E-1,"fresh":false,"key_":"of a field","nan":null})"
        "\n");
}

TEST_CASE("output is UTF-8 whatever goes in") {
  struct {
    const char* bytes;
    const char* expected;
  } const rows[] = {
      {"ä€😀", "ä€😀"},
      {"\xff", "\\xff"},
      {"a\xc3", "a\\xc3"},
      {"\xc3(", "\\xc3("},
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},           // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // past the last character
      {"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},           // cut off
      {"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},
      {"\x80", "\\x80"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.expected);
    std::string out;
    append_utf8(out, row.bytes, 100);
    CHECK(out == row.expected);
    const Field fields[] = {{row.bytes, row.bytes}};
    boost::json::error_code error;
    (void)boost::json::parse(format_json(record(fields, row.bytes)), error);
    CHECK_FALSE(error.failed());
  }
}

TEST_CASE("what is too long is cut between characters") {
  std::string out;
  append_printable(out, "ab€cd", 4);
  CHECK(out == "ab…");
  out.clear();
  append_printable(out, "ab€cd", 5);
  CHECK(out == "ab€…");
  out.clear();
  append_printable(out, "ab€cd", 7);
  CHECK(out == "ab€cd");
  const std::string huge(1 << 20, 'x');
  const Field fields[] = {{"value", huge}};
  CHECK(format_text(record(fields, huge)).size() < 3 * kTextBytesMax);
  CHECK(format_json(record(fields, huge)).size() < 3 * kTextBytesMax);
}

}  // namespace
}  // namespace skerry::log
