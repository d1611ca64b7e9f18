#include "proxy/http/head.h"

#include <doctest/doctest.h>

#include <string>

#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

struct Case {
  const char* what;
  std::string text;
  int status;  // 0: fine
};

int status_of(const std::string& text) {
  Scan scan;
  Scan::State state;
  const size_t end = find_head_end(text, scan, state);
  if (state == Scan::State::kBad) return 400;
  REQUIRE(state == Scan::State::kComplete);
  RequestHead head;
  const auto parsed = parse_request(std::string_view(text).substr(0, end), head);
  return parsed ? 0 : parsed.error().status;
}

// What is parsed refers to its text.
RequestHead parsed(const std::string& passing_text) {
  static std::string text;
  text = passing_text;
  RequestHead head;
  const auto result = parse_request(text, head);
  if (!result) FAIL(result.error().why);
  return head;
}

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST_CASE("request heads that two readers could understand in two ways are refused") {
  const Case cases[] = {
      {"plain", get(""), 0},
      {"two lengths", get("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {"the same length twice", get("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {"a list of lengths", get("Content-Length: 5, 5\r\n"), 400},
      {"a signed length", get("Content-Length: +5\r\n"), 400},
      {"a negative length", get("Content-Length: -5\r\n"), 400},
      {"a hexadecimal length", get("Content-Length: 0x5\r\n"), 400},
      {"an empty length", get("Content-Length:\r\n"), 400},
      {"a length beyond 64 bits", get("Content-Length: 18446744073709551616\r\n"), 400},
      {"length and chunked", get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked", get("Transfer-Encoding: chunked\r\n"), 0},
      {"Chunked", get("transfer-encoding: Chunked\r\n"), 0},
      {"chunked twice", get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked, chunked", get("Transfer-Encoding: chunked, chunked\r\n"), 501},
      {"gzip, chunked", get("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"identity", get("Transfer-Encoding: identity\r\n"), 501},
      {"xchunked", get("Transfer-Encoding: xchunked\r\n"), 501},
      {"vertical tab before chunked", get("Transfer-Encoding: \vchunked\r\n"), 400},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"space before the colon", get("Content-Length : 5\r\n"), 400},
      {"tab before the colon", get("Transfer-Encoding\t: chunked\r\n"), 400},
      {"a folded line", get("X: a\r\n b\r\n"), 400},
      {"a folded first line", "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400},
      {"a bare LF", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
      {"LF LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"a bare CR in a value", get("X: a\rb\r\n"), 400},
      {"a CR at a value's end", get("X: a\r\r\n"), 400},
      {"a NUL in a value", get(std::string("X: a\0b\r\n", 8)), 400},
      {"no colon", get("X\r\n"), 400},
      {"no name", get(": x\r\n"), 400},
      {"a name with a space", get("X Y: x\r\n"), 400},
      {"a name beyond ASCII", get("X\xc3\xa9: x\r\n"), 400},
      {"a value beyond ASCII", get("X: \xc3\xa9\r\n"), 0},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", get("Host: b\r\n"), 400},
      {"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
      {"HTTP/1.0 without host", "GET / HTTP/1.0\r\n\r\n", 0},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 505},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"a malformed version", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400},
      {"a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a control in the target", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a space before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a method with a colon", "GE:T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501},
      {"an asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"an asterisk to GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"another expectation", get("Expect: 200-maybe\r\n"), 417},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    CHECK(status_of(one.text) == one.status);
  }
}

TEST_CASE("sizes past the limits have their own answers") {
  std::string many;
  for (size_t i = 0; i <= kFieldsMax; ++i) many += "X: y\r\n";
  CHECK(status_of(get(many)) == 431);
  const std::string target(kRequestTargetBytesMax, 'x');
  CHECK(status_of("GET /" + target + " HTTP/1.1\r\nHost: a\r\n\r\n") == 414);
  CHECK(status_of(std::string(kMethodBytesMax + 1, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n") == 501);
}

TEST_CASE("a request's head says how to go on") {
  auto head = parsed("POST /a/b?c=d HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\n\r\n");
  CHECK(head.method == "POST");
  CHECK(head.target == "/a/b?c=d");
  CHECK(head.path == "/a/b");
  CHECK(head.host == "h:1");
  CHECK(head.body.kind == BodyKind::kLength);
  CHECK(head.body.length == 12);
  CHECK(head.keep_alive);
  CHECK_FALSE(parsed(get("Connection: Close\r\n")).keep_alive);
  CHECK_FALSE(parsed(get("Connection: foo, close\r\n")).keep_alive);
  CHECK_FALSE(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK(parsed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  CHECK(parsed(get("Content-Length: 0\r\n")).body.kind == BodyKind::kNone);
  CHECK(parsed(get("Content-Length: 1\r\nExpect: 100-Continue\r\n")).expects_continue);
  CHECK_FALSE(parsed(get("Expect: 100-continue\r\n")).expects_continue);
}

TEST_CASE("an absolute target names the host") {
  const auto head = parsed("GET http://other:8/x?y HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(head.host == "other:8");
  CHECK(head.target == "/x?y");
  CHECK(head.path == "/x");
}

TEST_CASE("an upgrade is asked for by two headers") {
  CHECK(parsed(get("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n")).upgrade ==
        "websocket");
  CHECK(parsed(get("Upgrade: websocket\r\n")).upgrade.empty());
  CHECK(parsed(get("Connection: upgrade\r\n")).upgrade.empty());
  CHECK(parsed(get("Upgrade: h2c\r\nConnection: upgrade\r\n")).upgrade.empty());
}

TEST_CASE("the end of a head is found in whatever pieces it comes") {
  const std::string text = get("X: y\r\n") + "rest";
  const size_t end = text.size() - 4;
  for (size_t step = 1; step <= text.size(); ++step) {
    Scan scan;
    Scan::State state = Scan::State::kMore;
    size_t found = 0;
    for (size_t n = 0; state == Scan::State::kMore && n < text.size();) {
      n = std::min(n + step, text.size());
      found = find_head_end(std::string_view(text).substr(0, n), scan, state);
    }
    CHECK(found == end);
  }
  CHECK(empty_lines_before("\r\n\r\nGET") == 4);
  CHECK(empty_lines_before("\r") == 0);
}

ResponseHead response(const std::string& text, bool to_head = false) {
  ResponseHead head;
  const auto result = parse_response(text, to_head, head);
  if (!result) FAIL(result.error().why);
  return head;
}

TEST_CASE("a response's framing follows its status, its headers and its request") {
  CHECK(response("HTTP/1.1 200 OK\r\n\r\n").body.kind == BodyKind::kUntilClose);
  CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").body.length == 3);
  CHECK(response("HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", true).body.kind == BodyKind::kNone);
  CHECK(response("HTTP/1.1 204 No Content\r\n\r\n").body.kind == BodyKind::kNone);
  CHECK(response("HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n").body.kind == BodyKind::kNone);
  const auto chunked = response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(chunked.body.kind == BodyKind::kChunked);
  CHECK(chunked.keep_alive);
  CHECK_FALSE(response("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
  CHECK_FALSE(response("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n").keep_alive);
  const auto kept =
      response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: max=9, timeout=5\r\n\r\n");
  CHECK(kept.keep_alive);
  CHECK(kept.keep_alive_s == 5);
  CHECK(response("HTTP/1.1 103 Early Hints\r\n\r\n").interim());
  CHECK_FALSE(response("HTTP/1.1 101 Switching\r\n\r\n").interim());
}

TEST_CASE("a response that cannot be relied on is a bad gateway's") {
  for (const char* text :
       {"HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "\r\n"}) {
    CAPTURE(text);
    ResponseHead head;
    const auto parsed = parse_response(text, false, head);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().status == 502);
  }
}

}  // namespace
}  // namespace skerry::proxy
