#include "proxy/http/rewrite.h"

#include <doctest/doctest.h>

namespace skerry::proxy {
namespace {

std::string request(const std::string& text, const Onward& onward) {
  RequestHead head;
  const auto parsed = parse_request(text, head);
  if (!parsed) FAIL(parsed.error().why);
  std::string out;
  write_request(head, onward, out);
  RequestHead again;
  CHECK(parse_request(out, again));  // what we write, we would accept
  return out;
}

std::string response(const std::string& text, const Back& back, bool to_head = false) {
  ResponseHead head;
  const auto parsed = parse_response(text, to_head, head);
  if (!parsed) FAIL(parsed.error().why);
  std::string out;
  write_response(head, back, out);
  return out;
}

TEST_CASE("a request goes on with its fields as they were, without those of the connection") {
  CHECK(request("GET /x HTTP/1.1\r\nhOst: h\r\nX-a:  b \r\nConnection: keep-alive, X-Hop\r\n"
                "X-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: h2c\r\n"
                "Skerry-Forwarded: 1;x\r\nCookie: c=d\r\n\r\n",
                {.client = "10.0.0.1"}) ==
        "GET /x HTTP/1.1\r\nHost: h\r\nX-a:  b \r\nCookie: c=d\r\n"
        "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
        "Forwarded: for=10.0.0.1;proto=http;host=\"h\"\r\n\r\n");
}

TEST_CASE("a client cannot name away what the proxy relies on") {
  const std::string out = request(
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: Content-Length, Cookie, X-Forwarded-For\r\n"
      "Content-Length: 3\r\nCookie: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n",
      {.client = "::1"});
  CHECK(out.contains("Content-Length: 3\r\n"));
  CHECK(out.contains("Cookie: a\r\n"));
  CHECK(out.contains("X-Forwarded-For: 1.1.1.1, ::1\r\n"));
  CHECK(out.contains("Forwarded: for=\"[::1]\";proto=http;host=\"h\"\r\n"));
}

TEST_CASE("earlier proxies' words are added to, or kept if they are ours") {
  const std::string text =
      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: public\r\nForwarded: for=1.1.1.1\r\n\r\n";
  const std::string added = request(text, {.client = "2.2.2.2"});
  CHECK(added.contains("X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n"));
  CHECK(added.contains("Forwarded: for=1.1.1.1, for=2.2.2.2;proto=https;host=\"h\"\r\n"));
  CHECK(added.contains("X-Forwarded-Host: public\r\n"));
  CHECK_FALSE(added.contains("X-Forwarded-Proto: http\r\n"));
  const std::string kept = request(text, {.client = "2.2.2.2", .keep_forwarded = true});
  CHECK_FALSE(kept.contains("2.2.2.2"));
  CHECK(kept.contains("X-Forwarded-For: 1.1.1.1\r\n"));
}

TEST_CASE("upgrades and chunked bodies keep their words") {
  const std::string up =
      request("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
              {.client = "c", .mark = "1;me"});
  CHECK(up.contains("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  CHECK(up.contains("Skerry-Forwarded: 1;me\r\n"));
  CHECK(request("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\n\r\n", {.client = "c"})
            .contains("Transfer-Encoding: chunked\r\n\r\n"));
  CHECK(request("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
                {.client = "c"})
            .contains("Expect: 100-continue\r\n"));
  CHECK_FALSE(request("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
                      {.client = "c"})
                  .contains("Expect"));
}

TEST_CASE("a response comes back with its fields as they were, and the token") {
  CHECK(response("HTTP/1.1 201 Created here\r\nServer: s\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
                 "Keep-Alive: timeout=5\r\nContent-Length: 3\r\nSet-Cookie: a=b\r\n\r\n",
                 {.token = "T"}) ==
        "HTTP/1.1 201 Created here\r\nServer: s\r\nContent-Length: 3\r\nSet-Cookie: a=b\r\n"
        "Set-Cookie: __txid=T; Path=/; Max-Age=300; HttpOnly\r\nSkerry-Token: T\r\n\r\n");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(response(chunked, {}) == chunked);
  CHECK(response(chunked, {.close = true, .to_http_1_0 = true}) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  CHECK(response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {.to_http_1_0 = true}) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(
      response("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", {}) ==
      "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  CHECK(response("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", {.close = true}) ==
        "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n");
}

TEST_CASE("the token of the primary's proxy passes through, and ours replaces what is older") {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSkerry-Token: theirs\r\n\r\n";
  CHECK(response(text, {}).contains("Skerry-Token: theirs\r\n"));
  CHECK_FALSE(response(text, {.token = "ours"}).contains("theirs"));
}

}  // namespace
}  // namespace skerry::proxy
