#include "daemon/config/words.h"

#include <doctest/doctest.h>

#include "daemon/config/exec.h"

namespace skerry::config {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("a command is split as LiteFS splits it") {
  struct {
    const char* text;
    Words expected;
  } const rows[] = {
      {"", {}},
      {"  ", {}},
      {"npm start", {"npm", "start"}},
      {"  npm \t start\n", {"npm", "start"}},
      {"sh -c 'a && b | c > d'", {"sh", "-c", "a && b | c > d"}},
      {R"(sqlite3 /x "PRAGMA journal_mode = WAL;")",
       {"sqlite3", "/x", "PRAGMA journal_mode = WAL;"}},
      {R"(a "b 'c' d" 'e "f" g')", {"a", "b 'c' d", "e \"f\" g"}},
      {R"(a"b"c'd'e)", {"abcde"}},
      {R"(a "" '' b)", {"a", "", "", "b"}},
      {R"(a\ b \; \\ \")", {"a b", ";", "\\", "\""}},
      {R"("a\"b" "c\nd" 'e\f')", {"a\"b", "cnd", "e\\f"}},
      {"env A=1 x --flag=y *.c ~ #not-a-comment $HOME",
       {"env", "A=1", "x", "--flag=y", "*.c", "~", "#not-a-comment", "$HOME"}},
      {"\"`x` $(y)\"", {"`x` $(y)"}},
      {"a \xC3\xA4 b", {"a", "\xC3\xA4", "b"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto words = split_words(row.text);
    REQUIRE(words);
    CHECK(*words == row.expected);
    CHECK(split_words(join_words(*words)).value() == *words);
  }
}

TEST_CASE("what only a shell understands is refused, never dropped") {
  struct {
    const char* text;
    const char* named;
  } const rows[] = {
      {"npm run migrate && npm start", "unquoted &&,"},
      {"a & b", "unquoted &,"},
      {"a; b", "unquoted ;,"},
      {"a | b", "unquoted |,"},
      {"a || b", "unquoted ||,"},
      {"a > b", "unquoted >,"},
      {"a 2>&1", "unquoted >,"},
      {"a >> b", "unquoted >>,"},
      {"a < b", "unquoted <,"},
      {"a `b`", "unquoted `,"},
      {"a $(b)", "unquoted $(,"},
      {"(a)", "unquoted (,"},
      {"a)", "unquoted ),"},
      {"curl http://x/?a=1&b=2", "unquoted &,"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto words = split_words(row.text);
    REQUIRE_FALSE(words);
    CHECK(words.error().code() == Errc::kInvalid);
    CHECK(words.error().message().contains(row.named));
    CHECK(words.error().message().contains("shell: true"));
  }
  CHECK(split_words("a 'b").error().message().contains("close the quote"));
  CHECK(split_words("a \"b").error().message().contains("close the quote"));
  CHECK(split_words("a \\").error().message().contains("remove it"));
}

TEST_CASE("a command becomes an argument vector") {
  ExecCommand direct{.cmd = "npm start", .if_candidate = false, .if_primary = false, .shell = false, .argv = {}};
  REQUIRE(complete(direct));
  CHECK(direct.argv == Words{"npm", "start"});
  ExecCommand shell{.cmd = "a && b", .if_candidate = false, .if_primary = false, .shell = true, .argv = {}};
  REQUIRE(complete(shell));
  CHECK(shell.argv == Words{"/bin/sh", "-c", "a && b"});
  for (const char* text : {"", " \n", "''", "'' x"}) {
    ExecCommand empty{.cmd = text, .if_candidate = false, .if_primary = false, .shell = false, .argv = {}};
    CHECK_FALSE(complete(empty));
  }
  const ExecCommand given = exec_of({"sh", "-c", "a && b"});
  CHECK(given.argv == Words{"sh", "-c", "a && b"});
  CHECK(given.cmd == "sh -c \"a && b\"");
}

}  // namespace
}  // namespace skerry::config
