#include "daemon/net/server.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <future>
#include <thread>

#include "daemon/net/http_client.h"
#include "tests/support/listening_socket.h"

namespace skerry::net {
namespace {

using namespace std::chrono_literals;
using test::RawClient;

// Bytes that tell where they stand.
class Counting final : public ltx::ByteSource {
 public:
  explicit Counting(uint64_t bytes) : left_(bytes) {}
  Result<size_t> read(ByteSpan into) override {
    const size_t n = std::min<uint64_t>(into.size(), left_);
    for (size_t i = 0; i < n; ++i) into[i] = std::byte(position_++ * 7 % 251);
    left_ -= n;
    return n;
  }

 private:
  uint64_t left_;
  uint64_t position_ = 0;
};

uint64_t sum_of(ByteView bytes, uint64_t sum = 0) {
  for (const std::byte byte : bytes) sum = sum * 31 + static_cast<uint8_t>(byte) + 1;
  return sum;
}

Result<std::string> sum_all(ltx::ByteSource& source) {
  Bytes piece(50'000);
  uint64_t total = 0;
  uint64_t sum = 0;
  for (;;) {
    TRY_ASSIGN(const size_t n, source.read(piece));
    if (n == 0) return fmt::format("{} {}", total, sum);
    total += n;
    sum = sum_of(ByteView(piece).first(n), sum);
  }
}

std::string sum_of_counting(uint64_t bytes) {
  Counting source(bytes);
  return *sum_all(source);
}

// Says what it is told to, until it is gone.
class Ticker final : public LiveBody {
 public:
  struct Control {
    std::mutex mutex;
    std::string text;
    std::function<void()> wake;
    std::promise<void> started;
    std::promise<void> gone;

    void say(const std::string& more) {
      const std::lock_guard lock(mutex);
      text += more;
      wake();
    }
  };
  explicit Ticker(std::shared_ptr<Control> control) : control_(std::move(control)) {}
  ~Ticker() override { control_->gone.set_value(); }
  void start(std::function<void()> wake) override {
    control_->wake = std::move(wake);
    control_->started.set_value();
  }
  std::string take() override {
    const std::lock_guard lock(control_->mutex);
    return std::exchange(control_->text, "");
  }

 private:
  const std::shared_ptr<Control> control_;
};

struct Fixture {
  explicit Fixture(ServerLimits limits = {}) : server("test", threads, pool, limits) {
    Router& router = server.router();
    router.add("/echo", "POST", RunsOn::kIoThread, [](Request& request) {
      std::string text = request.query.get("x") + ":";
      Bytes piece(1000);
      while (const size_t n = *request.body->read(piece)) text += as_text(ByteView(piece).first(n));
      return text_response(200, text);
    });
    router.add("/sum", "POST", RunsOn::kPool, [](Request& request) {
      const auto sum = sum_all(*request.body);
      return sum ? text_response(200, *sum) : error_response(sum.error());
    });
    router.add("/refuse", "POST", RunsOn::kPool,
               [](Request&) { return text_response(503, "not the primary\n"); });
    router.add("/bytes", "GET", RunsOn::kPool, [](Request& request) {
      const uint64_t bytes = std::stoull(request.query.get("n"));
      const bool told = request.query.get("told") == "1";
      return Response{200,
                      {},
                      StreamedBody{std::make_unique<Counting>(bytes),
                                   told ? std::optional(bytes) : std::nullopt}};
    });
    router.add("/short", "GET", RunsOn::kPool, [](Request&) {
      return Response{200, {}, StreamedBody{std::make_unique<Counting>(10), 20}};
    });
    router.add("/live", "GET", RunsOn::kIoThread,
               [this](Request&) { return Response{200, {}, std::make_unique<Ticker>(live)}; });
    router.add("/bug", "GET", RunsOn::kIoThread,
               [](Request&) -> Response { throw std::runtime_error("a bug"); });
    router.add("/wait", "GET", RunsOn::kPool, [this](Request&) {
      waiting.set_value();
      release.get_future().wait();
      return text_response(200, "done");
    });
    server.with_headers([] { return HeaderList{{"Litefs-Id", "00AA"}}; });
    REQUIRE(server.start(socket.fd()));
  }
  ~Fixture() { server.stop(); }

  std::string url(std::string_view path) const {
    return fmt::format("http://127.0.0.1:{}{}", socket.port(), path);
  }
  Result<Reply> get(std::string_view path) const {
    Call what;
    what.url = url(path);
    return call(what);
  }
  bool answers() const {
    Call what{.method = "POST", .url = url("/echo?x=1")};
    const auto reply = call(what);
    return reply && reply->status == 200 && reply->body == "1:";
  }

  test::ListeningSocket socket;
  IoThreads threads{"io", 2};
  BlockingPool pool{"work", 2, 4};
  std::shared_ptr<Ticker::Control> live = std::make_shared<Ticker::Control>();
  std::promise<void> waiting;
  std::promise<void> release;
  Server server;
};

// The next process on the same socket.
struct FixtureServer {
  explicit FixtureServer(int listening_fd) {
    server.router().add("/echo", "POST", RunsOn::kIoThread, [](Request& request) {
      return text_response(200, request.query.get("x") + ":");
    });
    REQUIRE(server.start(listening_fd));
  }
  IoThreads threads{"io", 1};
  BlockingPool pool{"work", 1, 1};
  Server server{"successor", threads, pool};
};

TEST_CASE("requests are answered, one after another on a connection") {
  Fixture f;
  RawClient client(f.socket.port());
  client.send("POST /echo?x=a%20b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  std::string head = client.read_until("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.contains("\r\nLitefs-Id: 00AA\r\n"));
  CHECK(head.contains("\r\nContent-Length: 9\r\n"));
  CHECK_FALSE(head.contains("Connection: close"));
  CHECK(client.read_until("hello") == "a b:hello");
  // Two at once, the second in chunks.
  client.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1"
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
  CHECK(client.read_until(":1").ends_with(":1"));
  CHECK(client.read_until(":abc").ends_with("\r\n\r\n:abc"));
  client.send("GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  head = client.read_all();
  CHECK(head.starts_with("HTTP/1.1 404 "));
  CHECK(head.contains("Litefs-Id: 00AA"));
  CHECK(head.contains("Connection: close"));
}

TEST_CASE("HEAD has the head alone, and the connection goes on") {
  Fixture f;
  RawClient client(f.socket.port());
  client.send("HEAD /bytes?n=100000&told=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n").contains("Content-Length: 100000\r\n"));
  client.send("GET /bytes?n=3&told=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(client.read_all().starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("bodies of any length stream in both directions") {
  Fixture f;
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{65536}, uint64_t{3'000'001}}) {
    CAPTURE(bytes);
    for (const bool told : {true, false}) {
      CAPTURE(told);
      Counting source(bytes);
      Call up{.method = "POST", .url = f.url("/sum"), .body = &source};
      if (told) up.body_bytes = bytes;
      const auto reply = call(up);
      REQUIRE(reply);
      CHECK(reply->status == 200);
      CHECK(reply->body == sum_of_counting(bytes));

      uint64_t total = 0;
      uint64_t sum = 0;
      std::optional<uint64_t> announced;
      Call down{.url = f.url(fmt::format("/bytes?n={}&told={}", bytes, told ? 1 : 0))};
      down.sink = [&](ByteView piece, std::optional<uint64_t> of) -> Status {
        total += piece.size();
        sum = sum_of(piece, sum);
        announced = of;
        return {};
      };
      REQUIRE(call(down));
      CHECK(fmt::format("{} {}", total, sum) == sum_of_counting(bytes));
      if (bytes > 0) CHECK(announced.has_value() == told);
    }
  }
}

TEST_CASE("a request that is refused early is answered, whatever its body") {
  Fixture f;
  Counting source(50'000'000);
  Call up{.method = "POST", .url = f.url("/refuse"), .body = &source, .body_bytes = 50'000'000};
  const auto reply = call_and_check(up);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().message() == "not the primary");
  CHECK(reply.error().code() == Errc::kUnavailable);
  // Who waits for "100 Continue" does not even send it.
  RawClient client(f.socket.port());
  client.send(
      "POST /refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  CHECK(client.read_until("\n").starts_with("HTTP/1.1 503"));
  RawClient other(f.socket.port());
  other.send("POST /sum HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(other.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  other.send("ab");
  CHECK(other.read_until("\n").starts_with("HTTP/1.1 200"));
}

TEST_CASE("a body that breaks off is never taken for a whole one") {
  Fixture f;
  Call down{.url = f.url("/short")};
  CHECK_FALSE(call(down));
  RawClient client(f.socket.port());
  client.send("POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  client.finish();
  CHECK(client.read_until("\n").starts_with("HTTP/1.1 400"));
  CHECK(f.answers());
}

TEST_CASE("a live body is sent as it comes, and its end is noticed") {
  Fixture f;
  {
    RawClient client(f.socket.port());
    client.send("GET /live HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(client.read_until("\r\n\r\n").contains("Transfer-Encoding: chunked"));
    f.live->started.get_future().wait();
    f.live->say("one\n");
    CHECK(client.read_until("one\n") == "4\r\none\n");
    f.live->say("two\n");
    CHECK(client.read_until("two\n") == "\r\n4\r\ntwo\n");
  }
  CHECK(f.live->gone.get_future().wait_for(30s) == std::future_status::ready);
}

TEST_CASE("stopping ends live bodies and waiting clients, and waits for handlers") {
  auto f = std::make_unique<Fixture>();
  RawClient live(f->socket.port());
  live.send("GET /live HTTP/1.1\r\nHost: h\r\n\r\n");
  (void)live.read_until("\r\n\r\n");
  RawClient idle(f->socket.port());
  RawClient sender(f->socket.port());
  sender.send("POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc");
  RawClient waiting(f->socket.port());
  waiting.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  f->waiting.get_future().wait();
  std::thread release([&] { f->release.set_value(); });
  f->server.stop();
  release.join();
  CHECK(f->server.connections() == 0);
  CHECK(live.read_all() == "0\r\n\r\n");
  CHECK(idle.read_all().empty());
}

TEST_CASE("draining answers what came, accepts nothing more, and lets live bodies go on") {
  Fixture f;
  RawClient live(f.socket.port());
  live.send("GET /live HTTP/1.1\r\nHost: h\r\n\r\n");
  (void)live.read_until("\r\n\r\n");
  RawClient waiting(f.socket.port());
  waiting.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  f.waiting.get_future().wait();
  f.server.drain(1ms);  // too short
  std::promise<void> drained;
  std::thread drain([&] {
    f.server.drain(60s);
    drained.set_value();
  });
  f.release.set_value();
  CHECK(drained.get_future().wait_for(30s) == std::future_status::ready);
  drain.join();
  CHECK(waiting.read_all().contains("Connection: close\r\n\r\ndone"));
  f.live->say("on\n");
  CHECK(live.read_until("on\n") == "3\r\non\n");
  // Nobody accepts this one: another process would, from the same socket.
  RawClient late(f.socket.port());
  late.send("POST /echo?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  FixtureServer successor(f.socket.fd());
  CHECK(late.read_until("\r\n\r\n1:").ends_with("1:"));
}

TEST_CASE("garbage, long headers and long bodies are refused, and harm nobody") {
  Fixture f;
  struct {
    std::string sent;
    const char* status;
  } const rows[] = {
      {"\x16\x03\x01\x02" + std::string(500, '\x01') + "\r\n\r\n", "HTTP/1.1 400 "},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400 "},
      {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400 "},
      {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n", "HTTP/1.1 431 "},
      {"GET / HTTP/1.1\r\nX: " + std::string(70'000, 'a'), "HTTP/1.1 431 "},
      {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", "HTTP/1.1 413 "},
      {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" +
           std::string(70'000, 'a'),
       "HTTP/1.1 413 "},
      {"GET /bug HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 500 "},
      {"DELETE /echo HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 405 "},
  };
  for (const auto& row : rows) {
    CAPTURE(row.sent.substr(0, 40));
    RawClient client(f.socket.port());
    client.send(row.sent);
    client.finish();
    CHECK(client.read_all().starts_with(row.status));
  }
  CHECK(f.answers());
}

TEST_CASE("slow clients meet a deadline") {
  ServerLimits limits;
  limits.header_deadline = limits.idle_deadline = limits.piece_deadline = 100ms;
  Fixture f(limits);
  RawClient silent(f.socket.port());
  CHECK(silent.read_all().empty());
  RawClient slow(f.socket.port());
  slow.send("GET / HTTP/1.1\r\nHo");
  CHECK(slow.read_all().empty());
  RawClient body(f.socket.port());
  body.send("POST /sum HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  (void)body.read_all();
  RawClient idle(f.socket.port());
  idle.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  CHECK(idle.read_all().starts_with("HTTP/1.1 200 OK\r\n"));
  // Somebody who never reads a long answer.
  RawClient deaf(f.socket.port());
  deaf.send("GET /bytes?n=1000000000 HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (f.server.connections() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(f.server.connections() == 0);
  CHECK(f.answers());
}

TEST_CASE("one client too many is turned away, and the next is not") {
  ServerLimits limits;
  limits.connections_max = 2;
  Fixture f(limits);
  auto first = std::make_unique<RawClient>(f.socket.port());
  RawClient second(f.socket.port());
  const std::string request = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
  for (RawClient* client : {first.get(), &second}) {
    client->send(request);
    CHECK(client->read_until("\r\n\r\n:").starts_with("HTTP/1.1 200"));
  }
  RawClient third(f.socket.port());
  CHECK(third.read_all().starts_with("HTTP/1.1 503 "));
  CHECK(f.server.counters().turned_away == 1);
  first.reset();
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (f.server.connections() > 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(f.answers());
}

TEST_CASE("nobody there is an error that says so") {
  uint16_t port = 0;
  {
    const test::ListeningSocket socket;
    port = socket.port();
  }
  const auto reply = call({.url = fmt::format("http://127.0.0.1:{}/info?x=1", port)});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code() == Errc::kUnavailable);
  CHECK(reply.error().message() ==
        fmt::format("http://127.0.0.1:{}/info: nobody answers there (Connection refused); does the "
                    "node run, and is this its http.addr?",
                    port));
  CHECK(call({.url = "http://no such host/"}).error().code() == Errc::kInvalid);
  // Somebody who accepts and says nothing.
  const test::ListeningSocket mute;
  Call what{.url = fmt::format("http://127.0.0.1:{}/", mute.port())};
  what.total_max = 100ms;
  CHECK(call(what).error().code() == Errc::kTimeout);
}

}  // namespace
}  // namespace skerry::net
