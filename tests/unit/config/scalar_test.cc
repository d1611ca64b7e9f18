#include "daemon/config/scalar.h"

#include <doctest/doctest.h>

#include "daemon/config/address.h"
#include "daemon/config/duration.h"
#include "daemon/config/size.h"

namespace skerry::config {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations are read in Go's form") {
  struct {
    const char* text;
    Duration expected;
    const char* printed;
  } const rows[] = {
      {"0", 0s, "0s"},
      {"-0", 0s, "0s"},
      {"10s", 10s, "10s"},
      {"+5s", 5s, "5s"},
      {"-5s", -5s, "-5s"},
      {"1m30s", 90s, "1m30s"},
      {"90s", 90s, "1m30s"},
      {"1.5h", 90min, "1h30m"},
      {"24h", 24h, "24h"},
      {"100ms", 100ms, "100ms"},
      {"1.25ms", 1250us, "1.25ms"},
      {"2us", 2us, "2us"},
      {"2\u00b5s", 2us, "2us"},
      {"2\u03bcs", 2us, "2us"},
      {"7ns", 7ns, "7ns"},
      {".5s", 500ms, "500ms"},
      {"1.s", 1s, "1s"},
      {"1h0.000000001s", 1h + 1ns, "1h0.000000001s"},
      {"0.00000000000000000000001h", 0ns, "0s"},
      {"1m500ms", 60500ms, "1m0.5s"},
      {"3600s", 1h, "1h"},
      {"2562047h47m16.854775807s", Duration::max(), "2562047h47m16.854775807s"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_duration(row.text) == row.expected);
    CHECK(format_duration(row.expected) == row.printed);
    CHECK(parse_duration(row.printed) == row.expected);
  }
  CHECK(format_duration(Duration::min()).starts_with("-2562047h"));
}

TEST_CASE("what is no duration is refused") {
  for (const char* text : {"", "-", "10", "s", ".s", "1.5", "10 s", "1d", "ten", "1m30", "--1s",
                           "1s-1s", "9223372036854775808ns", "2562048h", "1e3s", "1,5s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("sizes are read with their units") {
  struct {
    const char* text;
    uint64_t expected;
    const char* printed;
  } const rows[] = {
      {"0", 0, "0"},
      {"17", 17, "17B"},
      {"17B", 17, "17B"},
      {"1KB", 1000, "1KB"},
      {"1kb", 1000, "1KB"},
      {"1KiB", 1024, "1KiB"},
      {"1.5GB", 1'500'000'000, "1500MB"},
      {"64 MiB", 64ull << 20, "64MiB"},
      {"2TB", 2'000'000'000'000, "2TB"},
      {"1TiB", 1ull << 40, "1TiB"},
      {"0.5KiB", 512, "512B"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_size(row.text) == row.expected);
    CHECK(format_size(row.expected) == row.printed);
    CHECK(parse_size(row.printed) == row.expected);
  }
  CHECK(parse_size("64", 1 << 20) == 64ull << 20);
  CHECK(parse_size("64B", 1 << 20) == 64);
}

TEST_CASE("what is no size is refused") {
  for (const char* text : {"", "GB", "1 G B", "-1", "1.5", "1.B", "1XB", "1.0000001GB", "0.1KiB",
                           "16777217TiB", "99999999999999999999", "1GB ", " 1GB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("booleans are those that Go's YAML takes") {
  for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"})
    CHECK(parse_bool(text) == true);
  for (const char* text : {"false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off"})
    CHECK(parse_bool(text) == false);
  for (const char* text : {"", "1", "0", "tRUE", "yEs", "t", "enabled"}) CHECK(!parse_bool(text));
}

TEST_CASE("counts are plain whole numbers") {
  CHECK(parse_count("0") == 0);
  CHECK(parse_count("4294967295") == 4294967295);
  for (const char* text : {"", "-1", "+1", "1.0", "4294967296", "0x10", "1 "})
    CHECK(!parse_count(text));
}

TEST_CASE("addresses are host and port") {
  CHECK(parse_address(":20202") == Address{"", 20202});
  CHECK(parse_address("localhost:0") == Address{"localhost", 0});
  CHECK(parse_address("[::1]:8080") == Address{"::1", 8080});
  for (const char* text : {"", "20202", ":", "host:", ":65536", ":-1", "::1:80", "http://h:80",
                           "[::1:80", "a b:80", ":80x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_address(text));
  }
}

}  // namespace
}  // namespace skerry::config
