#include "daemon/net/http_message.h"

#include <doctest/doctest.h>

#include "daemon/net/http_client.h"
#include "daemon/net/router.h"

namespace skerry::net {
namespace {

TEST_CASE("a request's target is taken apart and decoded") {
  const auto target = parse_target("/a%20b/c?name=x%2Fy+z&empty=&flag&name=second");
  REQUIRE(target);
  CHECK(target->path == "/a b/c");
  CHECK(target->query.get("name") == "x/y z");
  CHECK(target->query.get("empty").empty());
  CHECK(target->query.get("flag").empty());
  CHECK(target->query.get("missing").empty());
  CHECK(parse_target("http://host:1/info?x=1")->path == "/info");
  CHECK(parse_target("http://host")->path == "/");
  CHECK(parse_target("/a+b")->path == "/a+b");
  for (const char* broken : {"", "info", "*", "/%", "/%4", "/%zz", "/x?a=%g0"}) {
    CAPTURE(broken);
    CHECK_FALSE(parse_target(broken));
  }
}

TEST_CASE("a URL is put together so that it is taken apart again") {
  const std::string name = "a b/ü&=?%+.db";
  const std::string url = make_url("http://h:1/", "/import", {{"name", name}, {"x", "1"}});
  CHECK(url.starts_with("http://h:1/import?name=a%20b%2F"));
  CHECK(parse_target(std::string_view(url).substr(10))->query.get("name") == name);
}

TEST_CASE("header names compare without case") {
  HeaderList headers{{"Content-Type", "a"}};
  headers.add("X", "1");
  headers.add("x", "2");
  REQUIRE(headers.find("content-TYPE") != nullptr);
  CHECK(*headers.find("x") == "1");
  headers.set("X", "3");
  CHECK(*headers.find("x") == "3");
  CHECK(std::distance(headers.begin(), headers.end()) == 2);
  CHECK(headers.find("y") == nullptr);
}

TEST_CASE("the head of a response") {
  const Response response{503, {{"Retry-After", "1\r\nInjected: yes"}, {"Litefs-Id", "own"}}, ""};
  const std::string head = response_head(response, {{"Litefs-Id", "A"}, {"B", "C"}},
                                         Framing::kLength, 12, false, 784111777);
  CHECK(head ==
        "HTTP/1.1 503 Service Unavailable\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nB: C\r\n"
        "Retry-After: 1\r\nLitefs-Id: own\r\nContent-Length: 12\r\nConnection: close\r\n\r\n");
  const std::string chunked = response_head({}, {}, Framing::kChunked, 0, true, 0);
  CHECK(chunked ==
        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("the guard of changes is asked before a change, and before nothing else") {
  Router router;
  int changes = 0;
  const auto handler = [&](Request&) {
    ++changes;
    return text_response(200, "done");
  };
  const auto status = [&](const std::string& method) {
    Request request;
    request.method = method;
    return router.find("/x", method)->handler(request).status;
  };
  router.add_change("/x", "POST", RunsOn::kPool, handler);
  router.add("/x", "GET", RunsOn::kPool, handler);
  CHECK(status("POST") == 200);
  router.guard_changes([](Request&) { return std::optional(text_response(403, "no")); });
  CHECK(status("POST") == 403);
  CHECK(status("GET") == 200);
  CHECK(changes == 2);
  router.guard_changes([](Request&) { return std::optional<Response>(); });
  CHECK(status("POST") == 200);
}

TEST_CASE("routes are found by path and method") {
  Router router;
  const auto handler = [](Request&) { return text_response(200, ""); };
  router.add("/import", "POST", RunsOn::kPool, handler);
  router.add("/info", "GET", RunsOn::kIoThread, handler);
  router.add("/halt", "POST", RunsOn::kIoThread, handler);
  router.add("/halt", "DELETE", RunsOn::kIoThread, handler);
  REQUIRE(router.find("/info", "GET") != nullptr);
  CHECK(router.find("/info", "HEAD") == router.find("/info", "GET"));
  CHECK(router.find("/import", "POST")->runs_on == RunsOn::kPool);
  CHECK(router.find("/import", "GET") == nullptr);
  CHECK(router.find("/info/", "GET") == nullptr);
  CHECK(router.refusal("/nothing").status == 404);
  const Response refused = router.refusal("/halt");
  CHECK(refused.status == 405);
  CHECK(*refused.headers.find("Allow") == "POST, DELETE");
}

}  // namespace
}  // namespace skerry::net
