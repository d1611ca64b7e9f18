#include "proxy/rules.h"

#include <doctest/doctest.h>

#include "proxy/patterns.h"

namespace skerry::proxy {
namespace {

TEST_CASE("a pattern covers the whole path; a star stands for any text") {
  CHECK(matches("*.ico", "/favicon.ico"));
  CHECK(matches("/favicon.*", "/favicon.png"));
  CHECK(matches("/a/*/c", "/a/b/b/c"));
  CHECK(matches("*", ""));
  CHECK(matches("/x", "/x"));
  CHECK(matches("/a*b*c", "/aXbYbZc"));
  CHECK_FALSE(matches("/x", "/x/y"));
  CHECK_FALSE(matches("x", "/x"));
  CHECK_FALSE(matches("*.ico", "/favicon.ico/x"));
  CHECK_FALSE(matches("", "/"));
  CHECK_FALSE(matches("/a.c", "/abc"));
}

TEST_CASE("what is meant as a regular expression is noticed") {
  CHECK(looks_like_regex("^/x$"));
  CHECK(looks_like_regex("/api/.*"));
  CHECK(looks_like_regex("/a\\.b"));
  CHECK_FALSE(looks_like_regex("*.ico"));
  CHECK_FALSE(looks_like_regex("/favicon.*"));
  CHECK_FALSE(looks_like_regex("/.well-known/*"));
}

TEST_CASE("paths are compared as applications see them") {
  std::string storage;
  CHECK(decoded_path("/a%2Fb%20c", storage) == "/a/b c");
  CHECK(decoded_path("/a%2", storage) == "/a%2");
  CHECK(decoded_path("/a%zz", storage) == "/a%zz");
  CHECK(decoded_path("/plain", storage) == "/plain");
}

TEST_CASE("the first rule that fits decides") {
  std::vector<Rule> rules;
  for (const char* text : {"POST /graphql local X-Operation=que*", "GET,HEAD /oauth/* primary",
                           "* /reports/* local", "POST /any local X-Flag"}) {
    auto rule = parse_rule(text);
    REQUIRE(rule);
    rules.push_back(*rule);
  }
  const std::string_view line;
  const Fields query{{FieldId::kOther, "x-operation", "query", line}};
  const Fields mutation{{FieldId::kOther, "X-Operation", "mutation", line}};
  const Fields flag{{FieldId::kOther, "x-flag", "", line}};
  CHECK(place_of(rules, "POST", "/graphql", query) == Place::kLocal);
  CHECK(place_of(rules, "POST", "/graphql", mutation) == std::nullopt);
  CHECK(place_of(rules, "POST", "/graphql", {}) == std::nullopt);
  CHECK(place_of(rules, "HEAD", "/oauth/callback", {}) == Place::kPrimary);
  CHECK(place_of(rules, "POST", "/oauth/callback", {}) == std::nullopt);
  CHECK(place_of(rules, "DELETE", "/reports/1", {}) == Place::kLocal);
  CHECK(place_of(rules, "POST", "/any", flag) == Place::kLocal);
}

TEST_CASE("a rule that says nothing clear is refused with what to write") {
  for (const char* text : {"", "POST", "POST /x", "POST /x nowhere", "POST x local",
                           "POST /x local A=b more", "POST ^/x$ local"}) {
    CAPTURE(text);
    const auto rule = parse_rule(text);
    REQUIRE_FALSE(rule);
    CHECK(rule.error().message().contains("METHODS PATH local|primary"));
  }
}

TEST_CASE("reads are the methods that are safe") {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "PROPFIND", "QUERY"}) CHECK(is_read(method));
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "get"}) CHECK_FALSE(is_read(method));
}

}  // namespace
}  // namespace skerry::proxy
