#include "proxy/request.h"

#include <doctest/doctest.h>

#include <string>

#include "proxy/primary_address.h"

namespace skerry::proxy {
namespace {

using namespace std::chrono_literals;

Settings base() {
  Settings settings;
  settings.tracked.keys = {db_key("app.db")};
  settings.plain_database = db_key("app.db");
  return settings;
}

// The text must live as long as what is read from it.
struct Read {
  std::string text;
  RequestHead head;
  Request request;
  Read(const std::string& line, const std::string& fields, const Settings& settings)
      : text(line + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n") {
    REQUIRE(parse_request(text, head));
    request = read_request(head, settings);
  }
};

Kind kind_of(const std::string& line, const Settings& settings, const std::string& fields = "") {
  return Read(line, fields, settings).request.kind;
}

TEST_CASE("methods, lists, rules and wishes make a read or a write") {
  Settings settings = base();
  settings.always_forward = {"/oauth/*"};
  settings.passthrough = {"*.png"};
  settings.rules = {*parse_rule("POST /graphql local"), *parse_rule("GET /oauth/local local"),
                    *parse_rule("GET /w primary")};
  CHECK(kind_of("GET /", settings) == Kind::kRead);
  CHECK(kind_of("OPTIONS /", settings) == Kind::kRead);
  CHECK(kind_of("POST /", settings) == Kind::kWrite);
  CHECK(kind_of("POST /graphql", settings) == Kind::kRead);
  CHECK(kind_of("GET /w", settings) == Kind::kPrimaryRead);
  CHECK(kind_of("GET /oauth/callback?x", settings) == Kind::kPrimaryRead);
  CHECK(kind_of("GET /%6fauth/callback", settings) == Kind::kPrimaryRead);
  CHECK(kind_of("GET /oauth/local", settings) == Kind::kRead);
  CHECK(kind_of("GET /", settings, "Read-Consistency: primary\r\n") == Kind::kPrimaryRead);
  CHECK(kind_of("POST /", settings, "Read-Consistency: any\r\n") == Kind::kWrite);
  CHECK(Read("GET /x.png", "", settings).request.passthrough);
  const std::string ws = "Upgrade: websocket\r\nConnection: upgrade\r\n";
  CHECK(kind_of("GET /ws", settings, ws) == Kind::kRead);
  settings.upgrades = Place::kPrimary;
  CHECK(kind_of("GET /ws", settings, ws) == Kind::kPrimaryRead);
}

TEST_CASE("health paths are the proxy's own, unless they pass through") {
  Settings settings = base();
  CHECK(Read("GET /litefs/health", "", settings).request.health == HealthPath::kLitefs);
  CHECK(Read("HEAD /skerry/health/live", "", settings).request.health == HealthPath::kLive);
  CHECK(Read("POST /litefs/health", "", settings).request.health == HealthPath::kNone);
  CHECK(Read("GET /litefs/health/", "", settings).request.health == HealthPath::kNone);
  settings.passthrough = {"/litefs/*"};
  CHECK(Read("GET /litefs/health", "", settings).request.health == HealthPath::kNone);
}

TEST_CASE("wishes") {
  CHECK(parse_wish("bounded=500ms")->bound == 500ms);
  CHECK(parse_wish("bounded=2s")->what == Wish::What::kBounded);
  CHECK(parse_wish("any")->what == Wish::What::kAny);
  CHECK_FALSE(parse_wish("bounded=-1s"));
  CHECK_FALSE(parse_wish("bounded="));
  CHECK_FALSE(parse_wish("strong"));
}

TEST_CASE("Fly's edge replays only what it has in front of it and can keep") {
  Settings settings = base();
  const auto replays = [&](const std::string& fields) {
    return Read("POST /", fields, settings).request.edge_replays;
  };
  const std::string edge = "Fly-Request-Id: 01\r\n";
  CHECK_FALSE(replays(edge));
  settings.on_fly = true;
  CHECK(replays(edge));
  CHECK(replays(edge + "Content-Length: 1000\r\n"));
  CHECK_FALSE(replays(""));
  CHECK_FALSE(replays(edge + "Content-Length: 2000000\r\n"));
  CHECK_FALSE(replays(edge + "Transfer-Encoding: chunked\r\n"));
  CHECK_FALSE(replays(edge + "Fly-Replay-Src: instance=x\r\n"));
  CHECK_FALSE(replays(edge + "Skerry-Forwarded: 1;b\r\n"));
  settings.mode = config::ProxyMode::kForward;
  CHECK_FALSE(replays(edge));
  settings.mode = config::ProxyMode::kFlyReplay;
  settings.on_fly = false;
  CHECK(replays(edge));
}

TEST_CASE("a proxy proves that it is one of the cluster's") {
  const std::string mark = make_mark(2, "ams-1", "POST", "/x", "secret");
  const auto parsed = parse_mark(mark, "POST", "/x", "secret");
  REQUIRE(parsed);
  CHECK(parsed->hops == 2);
  CHECK(parsed->from == "ams-1");
  CHECK(parsed->proven);
  CHECK_FALSE(parse_mark(mark, "POST", "/y", "secret")->proven);
  CHECK_FALSE(parse_mark(mark, "POST", "/x", "other")->proven);
  CHECK_FALSE(parse_mark(mark, "POST", "/x", "")->proven);
  CHECK(parse_mark(mark, "POST", "/x", "")->hops == 2);
  CHECK_FALSE(parse_mark(make_mark(2, "ams-1", "POST", "/x", ""), "POST", "/x", "s")->proven);
  CHECK_FALSE(parse_mark("", "POST", "/x", "s"));
  CHECK_FALSE(parse_mark("x;y", "POST", "/x", "s"));
  CHECK_FALSE(parse_mark("99999999999;y", "POST", "/x", "s"));
}

TEST_CASE("the primary's proxy is where the configuration, the primary, or its API's host says") {
  using config::Address;
  NodeState state;
  state.primary_hostname = "m1";
  state.primary_api_host = "m1.internal";
  CHECK_FALSE(primary_proxy(state, "", 8080));
  state.primary_known = true;
  CHECK(primary_proxy(state, "", 8080) == Address{"m1.internal", 8080});
  state.primary_proxy_url = "http://m1.internal:9000";
  CHECK(primary_proxy(state, "", 8080) == Address{"m1.internal", 9000});
  CHECK(primary_proxy(state, "http://{hostname}.vm.app.internal:81", 8080) ==
        Address{"m1.vm.app.internal", 81});
  CHECK(address_of_url("http://[::1]:80/x") == Address{"::1", 80});
  CHECK(address_of_url("http://[fdaa::2]") == Address{"fdaa::2", 80});
  CHECK(address_of_url("http://h/x") == Address{"h", 80});
  CHECK_FALSE(address_of_url("https://h"));
  CHECK_FALSE(address_of_url("http://"));
  CHECK_FALSE(address_of_url("http://h:x"));
  CHECK(check_forward_url(""));
  CHECK(check_forward_url("http://{hostname}:1"));
  CHECK_FALSE(check_forward_url("h:1"));
}

TEST_CASE("health is role, connection and lag") {
  NodeState state;
  Freshness freshness;
  const auto status = [&](HealthPath path) { return health(path, state, freshness, 10s).status; };
  CHECK(status(HealthPath::kLive) == 200);
  CHECK(status(HealthPath::kReady) == 503);
  state.ready = true;
  CHECK(health(HealthPath::kLitefs, state, freshness, 10s).body.contains("never in sync"));
  freshness.lag = 20s;
  CHECK(status(HealthPath::kReady) == 503);
  freshness.connected = true;
  CHECK(status(HealthPath::kReady) == 200);
  CHECK(status(HealthPath::kLag) == 503);
  CHECK(status(HealthPath::kLitefs) == 503);
  CHECK(health(HealthPath::kLag, state, freshness, 0s).status == 200);
  freshness.lag = 10s;
  CHECK(health(HealthPath::kLitefs, state, freshness, 10s).body == "OK\n");
  state = NodeState();
  state.ready = state.is_primary = true;
  CHECK(status(HealthPath::kLag) == 200);
  CHECK(health(HealthPath::kReady, state, freshness, 10s).body ==
        "{\"ok\":true,\"role\":\"primary\",\"connected\":true,\"lag_ms\":0,\"reason\":\"\"}\n");
}

TEST_CASE("settings come from the configuration") {
  config::Config config;
  config.proxy.addr = ":8080";
  config.proxy.target = "localhost:3000";
  config.proxy.db = "a.db, b.db";
  config.proxy.durability = "2";
  config.proxy.always_forward = {"^/x$"};
  std::vector<std::string> warnings;
  const auto settings = settings_from(config, false, "n", warnings);
  REQUIRE(settings);
  CHECK(settings->target.port == 3000);
  CHECK(settings->own_port == 8080);
  CHECK(settings->databases == std::vector<std::string>{"a.db", "b.db"});
  CHECK(settings->plain_database == db_key("a.db"));
  CHECK(settings->tracked.contains(db_key("b.db")));
  CHECK_FALSE(settings->tracked.contains(db_key("c.db")));
  CHECK(settings->durability == 2);
  CHECK(settings->threads >= 1);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].contains("regular expression"));
  config.proxy.db = "*";
  CHECK(settings_from(config, false, "n", warnings)->tracked.all);
  config.proxy.durability = "some";
  CHECK_FALSE(settings_from(config, false, "n", warnings));
  config.proxy.durability = "local";
  config.proxy.rules = {"nonsense"};
  CHECK_FALSE(settings_from(config, false, "n", warnings));
}

}  // namespace
}  // namespace skerry::proxy
