#include "daemon/net/upgrade.h"

#include <doctest/doctest.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <future>

#include "daemon/net/server.h"
#include "tests/support/listening_socket.h"

namespace skerry::net {
namespace {

namespace asio = boost::asio;

// Says what it was asked, then echoes until the client or the server ends it.
class Echo final : public UpgradeHandler {
 public:
  asio::awaitable<void> serve(Upgrade& upgrade) override {
    std::string text = upgrade.target.path + " " + upgrade.target.query.get("x") + " " +
                       std::string(upgrade.request["X-Sent"]) + " " +
                       std::string(static_cast<const char*>(upgrade.behind_request.data().data()),
                                   upgrade.behind_request.size()) +
                       "\n";
    boost::system::error_code error;
    for (;;) {
      co_await asio::async_write(upgrade.stream, asio::buffer(text),
                                 asio::redirect_error(asio::use_awaitable, error));
      text.resize(100);
      const size_t n = co_await upgrade.stream.async_read_some(
          asio::buffer(text), asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      text.resize(n);
    }
    ended.set_value(error);
  }
  std::promise<boost::system::error_code> ended;
};

struct Fixture {
  Fixture() {
    server.on_upgrade("/up", echo);
    server.with_guard([](const Request& request) -> std::optional<Response> {
      if (request.headers.find("X-Refuse") == nullptr) return std::nullopt;
      return text_response(403, "no\n");
    });
    REQUIRE(server.start(socket.fd()));
  }
  Echo echo;
  test::ListeningSocket socket;
  IoThreads threads{"io", 2};
  BlockingPool pool{"work", 1, 1};
  Server server{"test", threads, pool};
};

constexpr const char* kRequest =
    "GET /up?x=1 HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    "X-Sent: a\r\n\r\nbehind";

TEST_CASE("a handler gets the raw connection, the request, and what came behind it") {
  Fixture f;
  {
    test::RawClient client(f.socket.port());
    client.send(kRequest);
    CHECK(client.read_until("\n") == "/up 1 a behind\n");
    client.send("echo\n");
    CHECK(client.read_until("\n") == "echo\n");
  }
  CHECK(f.echo.ended.get_future().get() == asio::error::eof);
}

TEST_CASE("the server's stop cancels what a handler waits for, and waits for its end") {
  Fixture f;
  test::RawClient client(f.socket.port());
  client.send(kRequest);
  (void)client.read_until("\n");
  CHECK(f.server.connections() == 1);
  f.server.stop();
  CHECK(f.server.connections() == 0);
  CHECK(f.echo.ended.get_future().get() == asio::error::operation_aborted);
}

TEST_CASE("what is no upgrade, or refused by the guard, never reaches the handler") {
  Fixture f;
  test::RawClient plain(f.socket.port());
  plain.send("GET /up HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(plain.read_all().starts_with("HTTP/1.1 426 "));
  test::RawClient refused(f.socket.port());
  refused.send(
      "GET /up HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "X-Refuse: 1\r\n\r\n");
  CHECK(refused.read_until("\r\n").starts_with("HTTP/1.1 403 "));
}

}  // namespace
}  // namespace skerry::net
