#include "daemon/net/change_guard.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/net/local_peer.h"
#include "daemon/os/posix_file_system.h"
#include "tests/support/capture_fixture.h"

namespace skerry::net {
namespace {

constexpr const char* kSecret = "0123456789abcdef";
constexpr const char* kElsewhere = "10.0.0.9:4711";

HeaderList one(std::string name, std::string value) {
  HeaderList headers;
  headers.add(std::move(name), std::move(value));
  return headers;
}
Query named(std::string name, std::string value) {
  std::vector<std::pair<std::string, std::string>> values;
  values.emplace_back(std::move(name), std::move(value));
  return Query(std::move(values));
}

struct GuardClock final : os::Clock {
  os::MonotonicTime now() override { return time; }
  int64_t wall_ms() override { return 0; }
  os::MonotonicTime time{std::chrono::hours(1)};
};

struct GuardFixture {
  test::TempDir dir;
  os::PosixFileSystem fs;
  GuardClock clock;
  std::unique_ptr<ChangeGuard> guard;
  Router router;
  std::string arrived;  // bodies, at the handler

  explicit GuardFixture(const std::string& secret = kSecret) {
    guard = ChangeGuard::open(fs, clock, dir.path(), secret).value();
    guard->add_to(router);
    router.add_change("/import", "POST", RunsOn::kPool, [this](Request& request) {
      std::array<std::byte, 3> piece{};
      std::string body;
      for (;;) {
        const auto n = request.body->read(piece);
        if (!n) return error_response(n.error());
        if (*n == 0) break;
        body += as_text(ByteView(piece).first(*n));
      }
      arrived += body;
      return text_response(200, "done");
    });
  }
  std::string token() {
    return std::string(as_text(os::read_file(fs, os::Site("test"), dir.path() + "/token", 100)
                                   .value()))
        .substr(0, 32);
  }
  Response challenge(const std::string& nonce) {
    Request request;
    request.query = named("nonce", nonce);
    return guard->challenge(request);
  }
  // The proof of a call, as prove_call() makes it.
  std::string prove(const std::string& secret, const std::string& body,
                    const Query& query = named("name", "a.db")) {
    Proof proof{make_nonce(), "", digest_of(as_bytes(body)), ""};
    const std::string answer = std::get<std::string>(challenge(proof.client_nonce).body);
    proof.server_nonce = answer.substr(0, 32);
    CHECK(answer.substr(33, 64) == server_mac(kSecret, proof.client_nonce, proof.server_nonce));
    proof.mac = call_mac(secret, proof, "POST", "/import", query);
    return proof.header();
  }
  unsigned post(const std::string& peer, HeaderList headers, const std::string& body = "body",
                const std::string& name = "a.db") {
    ltx::MemorySource source(as_bytes(body));
    Request request;
    request.method = "POST";
    request.path = "/import";
    request.query = named("name", name);
    request.peer = peer;
    request.headers = std::move(headers);
    request.body = &source;
    return router.find("/import", "POST")->handler(request).status;
  }
};

TEST_CASE("a change from elsewhere needs a proof, and each proof is good once") {
  GuardFixture f;
  CHECK(f.post(kElsewhere, {}) == 403);
  const std::string proof = f.prove(kSecret, "body");
  CHECK(f.post(kElsewhere, one("skerry-proof", proof)) == 200);
  CHECK(f.post(kElsewhere, one("skerry-proof", proof)) == 403);
  CHECK(f.arrived == "body");
}

TEST_CASE("a proof is for one secret, one request and one body, and not for long") {
  GuardFixture f;
  CHECK(f.post(kElsewhere, one(kProofHeader, f.prove("another secret!!!", "body"))) == 403);
  CHECK(f.post(kElsewhere, one(kProofHeader, f.prove(kSecret, "body")), "body", "b.db") == 403);
  CHECK(f.post(kElsewhere, one(kProofHeader, f.prove(kSecret, "body")), "bodx") >= 400);
  CHECK(f.post(kElsewhere, one(kProofHeader, f.prove(kSecret, "body")), "bod") >= 400);
  CHECK(f.post(kElsewhere, one(kProofHeader, f.prove(kSecret, "body")), "body2") >= 400);
  const std::string late = f.prove(kSecret, "body");
  f.clock.time += kChallengeLasts + std::chrono::seconds(1);
  CHECK(f.post(kElsewhere, one(kProofHeader, late)) == 403);
  for (const char* broken : {"", "a b c d", "00000000000000000000000000000000"}) {
    CHECK(f.post(kElsewhere, one(kProofHeader, broken)) == 403);
  }
  CHECK(f.arrived.empty());
}

TEST_CASE("challenges are bounded, and old ones make room") {
  GuardFixture f;
  for (size_t i = 0; i < 2 * kChallengesMax; ++i) {
    REQUIRE(f.challenge(make_nonce()).status == 200);
  }
  CHECK(f.challenge("short").status == 400);
  CHECK(f.post(kElsewhere, one(kProofHeader, f.prove(kSecret, "")), "") == 200);
}

TEST_CASE("on this machine the token does, and it is the owner's alone") {
  GuardFixture f("");
  struct stat info {};
  REQUIRE(::stat((f.dir.path() + "/token").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const std::string token = f.token();
  // No socket of this port: nobody can be told to be root.
  const char* here = "127.0.0.1:1";
  CHECK(f.post(here, {}) == 403);
  CHECK(f.post(here, one(kTokenHeader, token)) == 200);
  CHECK(f.post(here, one(kTokenHeader, token.substr(1) + "x")) == 403);
  CHECK(f.post(here, {{kTokenHeader, token}, {"X-Forwarded-For", "10.0.0.9"}}) == 403);
  CHECK(f.post(kElsewhere, one(kTokenHeader, token)) == 403);
  // The next start keeps it, unless others could read it.
  CHECK(ChangeGuard::open(f.fs, f.clock, f.dir.path(), "").has_value());
  CHECK(f.token() == token);
  REQUIRE(::chmod((f.dir.path() + "/token").c_str(), 0644) == 0);
  CHECK(ChangeGuard::open(f.fs, f.clock, f.dir.path(), "").has_value());
  CHECK(f.token() != token);
}

TEST_CASE("streams need a proof where there is a secret, and nothing where there is none") {
  Request request;
  request.method = "GET";
  request.path = "/skerry/stream";
  GuardFixture open("");
  CHECK_FALSE(open.guard->check_stream(request).has_value());
  GuardFixture closed;
  CHECK(closed.guard->check_stream(request)->status == 403);
  CHECK_FALSE(ChangeGuard::open(open.fs, open.clock, open.dir.path(), "short").has_value());
}

TEST_CASE("the user of a port is found among loopback sockets alone") {
  const std::string table =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101 0 1\n"
      "   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000 0 1\n"
      "   2: 0900000A:C351 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0 0 1\n"
      "   3: 00000000000000000000000001000000:C352 00000000000000000000000001000000:1F90 01 "
      "00000000:00000000 00:00000000 00000000     7 0 1\n"
      "   4: 0100007F:C353 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0 0 1\n"
      "   5: 0200007F:C353 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     5 0 1\n";
  CHECK(user_of_port(table, 0xC350) == 1000u);
  CHECK(user_of_port(table, 0x1F90) == 101u);
  CHECK_FALSE(user_of_port(table, 0xC351).has_value());
  CHECK(user_of_port(table, 0xC352) == 7u);
  CHECK(user_of_port(table, 0xC353) == ~0u);
  CHECK_FALSE(user_of_port("", 1).has_value());
  CHECK(is_loopback("127.0.0.1:80"));
  CHECK(is_loopback("::1:80"));
  CHECK_FALSE(is_loopback("::1:2:80"));
  CHECK_FALSE(is_loopback("10.127.0.1:80"));
  CHECK_FALSE(is_own_user("127.0.0.1:x"));
}

}  // namespace
}  // namespace skerry::net
