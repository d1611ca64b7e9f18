#include "daemon/config/expand.h"

#include <doctest/doctest.h>

#include <map>

namespace skerry::config {
namespace {

Environment fake() {
  return [](std::string_view name) -> std::optional<std::string> {
    static const std::map<std::string, std::string, std::less<>> kValues = {
        {"A", "x"}, {"B", "x"}, {"C", "z"}, {"EMPTY", ""}, {"SPACED", "x y"}, {"lower_1", "low"}};
    const auto found = kValues.find(name);
    if (found == kValues.end()) return std::nullopt;
    return found->second;
  };
}

struct Outcome {
  std::string text;
  std::string error;
  std::vector<std::string> warnings;
};

Outcome expanded(std::string_view text) {
  Problems problems("f");
  Outcome outcome;
  outcome.text = expand(text, fake(), problems);
  const Status status = problems.status();
  if (!status) outcome.error = status.error().message();
  outcome.warnings = problems.take_warnings();
  return outcome;
}

TEST_CASE("variables and comparisons are put in as LiteFS does") {
  struct {
    const char* text;
    const char* expected;
  } const rows[] = {
      {"", ""},
      {"plain\ntext\n", "plain\ntext\n"},
      {"$A", "x"},
      {"$A$B", "xx"},
      {"${A}b", "xb"},
      {"$lower_1.", "low."},
      {"$A-b", "x-b"},
      {"${ A }", "x"},
      {"[$EMPTY]", "[]"},
      {"${A == \"x\"}", "true"},
      {"${A == 'x'}", "true"},
      {"${A=='x'}", "true"},
      {"${A == 'y'}", "false"},
      {"${A != \"x\"}", "false"},
      {"${A != 'y'}", "true"},
      {"${SPACED == 'x y'}", "true"},
      {"${UNSET == ''}", "true"},
      {"${UNSET != 'x'}", "true"},
      {"${A == B}", "true"},
      {"${A == C}", "false"},
      {"${A != C}", "true"},
      {"${A == UNSET}", "false"},
      {"${EMPTY == UNSET}", "true"},
      {"${A == 'it''s'}", "false"},
      // A dollar sign that begins nothing stays.
      {"$", "$"},
      {"a$", "a$"},
      {"$ x", "$ x"},
      {"$.", "$."},
      {"\"$\"", "\"$\""},
      // The escape.
      {"$$", "$"},
      {"$$A", "$A"},
      {"$$$A", "$x"},
      {"$${A}", "${A}"},
      {"pa$$word", "pa$word"},
      // Comment lines are left alone, comments after a value are not.
      {"# $A ${oops\nk: $A # $B\n", "# $A ${oops\nk: x # x\n"},
      {"  # ${A\n$A", "  # ${A\nx"},
      {"#", "#"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const Outcome outcome = expanded(row.text);
    CHECK(outcome.text == row.expected);
    CHECK(outcome.error.empty());
    CHECK(outcome.warnings.empty());
  }
}

TEST_CASE("a malformed expression is an error with its line and what to write") {
  struct {
    const char* text;
    const char* error;
  } const rows[] = {
      {"a\nb: ${A\n", "f:2: \"${\" has no \"}\"; close it, or write $${ for a dollar sign"},
      {"${A\n}", "f:1: \"${\" has no \"}\"; close it, or write $${ for a dollar sign"},
      {"${", "f:1: \"${\" has no \"}\"; close it, or write $${ for a dollar sign"},
      {"${}",
       "f:1: ${} is not understood; write ${NAME}, ${NAME == \"text\"} or "
       "${NAME == OTHER}, or $$ for a dollar sign"},
      {"${A:-x}",
       "f:1: ${A:-x} is not understood; write ${NAME}, ${NAME == \"text\"} or "
       "${NAME == OTHER}, or $$ for a dollar sign"},
      {"${A = B}", "f:1: ${A = B} is not understood"},
      {"${A == }", "f:1: ${A ==} is not understood"},
      {"${A == 'x}", "f:1: ${A == 'x} is not understood"},
      {"${A == B C}", "f:1: ${A == B C} is not understood"},
      {"${== B}", "f:1: ${== B} is not understood"},
      {"${A < B}", "f:1: ${A < B} is not understood"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const std::string error = expanded(row.text).error;
    CAPTURE(error);
    CHECK(error.starts_with(row.error));
  }
}

TEST_CASE("variables without a value are announced") {
  CHECK(expanded("a\n$UNSET").warnings ==
        std::vector<std::string>{"f:2: the environment variable UNSET is not set; nothing is put "
                                 "in its place"});
  CHECK(expanded("${UNSET == ALSO_UNSET}").text == "true");
  CHECK(expanded("${UNSET == ALSO_UNSET}").warnings ==
        std::vector<std::string>{"f:1: neither UNSET nor ALSO_UNSET is set, so they count as "
                                 "equal; set them, or write the value itself"});
  CHECK(expanded("pa$1word").text == "paword");
  CHECK(expanded("pa$1word").warnings ==
        std::vector<std::string>{"f:1: $1 names no variable and is left out; write $$1 for a "
                                 "dollar sign"});
}

TEST_CASE("values that blow the file up are refused") {
  const Environment huge = [](std::string_view) { return std::string(kConfigBytesMax, 'x'); };
  Problems problems("f");
  CHECK(expand("$A$A", huge, problems).empty());
  CHECK(problems.status().error().message().contains("exceeds"));
}

TEST_CASE("the process's environment names the host where HOSTNAME is not set") {
  ::unsetenv("HOSTNAME");
  CHECK(process_environment()("HOSTNAME") == os_hostname());
  ::setenv("HOSTNAME", "given", 1);
  CHECK(process_environment()("HOSTNAME") == "given");
  ::unsetenv("HOSTNAME");
  CHECK_FALSE(process_environment()("SKERRY_NOT_SET_ANYWHERE"));
}

}  // namespace
}  // namespace skerry::config
