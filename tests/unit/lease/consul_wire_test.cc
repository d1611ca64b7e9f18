#include "lease/consul_wire.h"

#include <doctest/doctest.h>

#include "lease/base64.h"
#include "lease/peer_wire.h"

namespace skerry::lease {
namespace {

using namespace std::chrono_literals;

TEST_CASE("base64 goes both ways, and what is not base64 is refused") {
  const std::pair<const char*, const char*> pairs[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
  for (const auto& [plain, coded] : pairs) {
    CHECK(base64_encode(plain) == coded);
    CHECK(base64_decode(coded) == plain);
  }
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(base64_decode(base64_encode(all)) == all);
  for (const char* bad : {"Z", "Zg=", "Zg==Zg==", "====", "Z\x01==", "Zg=a"}) {
    CAPTURE(std::string(bad));
    CHECK_FALSE(base64_decode(bad));
  }
}

TEST_CASE("lease.consul.url holds the token and the prefix") {
  struct Case {
    const char* url;
    const char* base;
    const char* token;
    const char* key;
    const char* node;
  };
  const Case cases[] = {
      {"http://localhost:8500", "http://localhost:8500", "", "app/primary", ""},
      {"http://localhost:8500/", "http://localhost:8500", "", "app/primary", ""},
      {"https://:a-token@consul.example:443/org-abc/", "https://consul.example:443", "a-token",
       "org-abc/app/primary", "org-abc/litefs"},
      {"https://user:p%40ss@[::1]:8501/a/b?dc=x", "https://[::1]:8501", "p@ss", "a/b/app/primary",
       "a/b/litefs"},
      {"http://user@host", "http://host", "", "app/primary", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.url));
    const auto place = parse_consul_url(c.url, "app/primary");
    REQUIRE(place);
    CHECK(place->base_url == c.base);
    CHECK(place->token == c.token);
    CHECK(place->key == c.key);
    CHECK(place->node == c.node);
  }
  for (const char* bad : {"", "localhost:8500", "ftp://:secret@host", "https://:secret@"}) {
    CAPTURE(std::string(bad));
    const auto place = parse_consul_url(bad, "key");
    REQUIRE_FALSE(place);
    CHECK(place.error().message().find("secret") == std::string::npos);
  }
  CHECK(parse_consul_url("", "key").error().message().find("FLY_CONSUL_URL") != std::string::npos);
  CHECK_FALSE(parse_consul_url("http://host", "/"));
}

const ConsulPlace kPlace{"http://c", "", "p/key", "p/litefs"};

TEST_CASE("requests say what Consul's API expects") {
  CHECK(look_request(kPlace, 0, 5s).path == "/v1/kv/p/key?recurse=true");
  CHECK(look_request(kPlace, 7, 5s).path == "/v1/kv/p/key?recurse=true&index=7&wait=5000ms");
  CHECK(make_session_request(kPlace, 10s, 1s).body ==
        R"({"Name":"litefs","Behavior":"delete","TTL":"10000ms","LockDelay":"1000ms",)"
        R"("Checks":[],"NodeChecks":[],"Node":"p/litefs"})");
  CHECK(renew_session_request("a b").path == "/v1/session/renew/a%20b");
  CHECK(register_node_request(kPlace).body == R"({"Node":"p/litefs","Address":"localhost"})");
  const Ops ops{{Op::Verb::kCheckSession, Op::Place::kLease, "", 0, "s", {}},
                {Op::Verb::kCas, Op::Place::kClusterId, "", 0, "", std::string("id")},
                {Op::Verb::kDeleteCas, Op::Place::kNode, "n", 9, "", {}}};
  CHECK(write_request(kPlace, ops).body ==
        R"([{"KV":{"Verb":"check-session","Key":"p/key","Session":"s"}},)"
        R"({"KV":{"Verb":"cas","Key":"p/key/clusterid","Value":"aWQ=","Index":0}},)"
        R"({"KV":{"Verb":"delete-cas","Key":"p/key/nodes/n","Index":9}}])");
}

TEST_CASE("the values of keys go both ways; operators' tools find LiteFS's fields in them") {
  const Holder holder{{"a", "http://a"}, true, 3s, NodeId(0xabc), Epoch(12), 345};
  const std::string text = encode_value(holder);
  CHECK(text.starts_with(R"({"hostname":"a","advertise-url":"http://a",)"));
  CHECK(decode_holder(text) == holder);

  Record record;
  record.name = "a";
  record.node = NodeId(~uint64_t{0});
  record.epoch = Epoch(12);
  record.epoch_base = 5;
  record.term = 3s;
  record.closed = record.litefs = true;
  record.standing = {Epoch(11), 9};
  record.progress = {Epoch(10), 8};
  record.candidates = {{"a", "http://a"}, {"b \"x\"", "http://b"}};
  const auto decoded = decode_record(encode_value(record));
  REQUIRE(decoded);
  CHECK(*decoded == record);

  const NodeEntry entry{{"b", "http://b"}, true, NodeId(7), 3};
  CHECK(*decode_node_entry(encode_value(entry)) == entry);
}

TEST_CASE("a holder that does not say that it fences itself does not") {
  for (const char* text :
       {R"({"hostname":"l","advertise-url":"http://l"})", "", "nonsense", "[]", "{}",
        R"({"hostname":"l","fencing":2,"term-ms":3000})", R"({"hostname":"l","fencing":1})",
        R"({"hostname":"l","fencing":1,"term-ms":1})",
        R"({"hostname":"l","fencing":1,"term-ms":99999999999})",
        R"({"hostname":"l","fencing":"1","term-ms":3000})"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(decode_holder(text).fenced);
  }
  CHECK(decode_holder(R"({"hostname":"l","advertise-url":"http://l"})").info.hostname == "l");
}

std::string pair(const std::string& key, const std::string& value, const std::string& more) {
  return R"({"LockIndex":1,"Key":")" + key + R"(","Flags":0,"Value":")" + base64_encode(value) +
         R"(","CreateIndex":9,"ModifyIndex":)" + more + "}";
}

TEST_CASE("a read of all keys becomes a view") {
  const Holder holder{{"a", "http://a"}, true, 3s, NodeId(1), Epoch(12), 1};
  const std::string body =
      "[" + pair("p/key", encode_value(holder), R"(17,"Session":"s1")") + "," +
      pair("p/key/clusterid", "LFSC0123456789ABCDEF\n", "3") + "," +
      pair("p/key/nodes/b", encode_value(NodeEntry{{"b", "http://b"}, true, NodeId(2), 1}), "5") +
      "," + pair("p/key/nodes/broken", "?", "6") + "," +
      pair("p/key/record", encode_value(Record{}), "18") + "," + pair("p/key2", "other", "19") +
      "," + pair("p/keyhole/record", "other", "20") + ",7]";
  const auto view = parse_view(kPlace, {200, body, "21"});
  REQUIRE(view);
  CHECK(view->index == 21);
  CHECK(view->held());
  CHECK(view->key->holder == holder);
  CHECK(view->key->index == 17);
  CHECK(view->beside->index == 18);
  CHECK(view->cluster_id == "LFSC0123456789ABCDEF");
  REQUIRE(view->nodes.size() == 1);
  CHECK(view->nodes[0].entry.peer.name == "b");

  const auto nothing = parse_view(kPlace, {404, "", "13"});
  REQUIRE(nothing);
  CHECK(nothing->index == 13);
  CHECK_FALSE(nothing->held());
  CHECK_FALSE(parse_view(kPlace, {500, "No cluster leader", ""}));
  CHECK_FALSE(parse_view(kPlace, {200, "no json", "1"}));
  CHECK(parse_view(kPlace, {403, "", ""}).error().code() == Errc::kDenied);
}

TEST_CASE("what Consul says of a transaction") {
  struct Case {
    int status;
    const char* body;
    Verdict verdict;
    uint64_t index;
  };
  const Case cases[] = {
      {200,
       R"({"Results":[{"KV":{"Key":"k","ModifyIndex":9}},{"KV":{"Key":"k","ModifyIndex":11}}],)"
       R"("Errors":null})",
       Verdict::kApplied, 11},
      {409,
       R"({"Results":null,"Errors":[{"OpIndex":1,"What":"failed index check for key \"k\""}]})",
       Verdict::kRefused, 0},
      {409, R"({"Errors":[{"OpIndex":0,"What":"invalid session \"1\""}]})", Verdict::kNoSession, 0},
      {409, R"({"Errors":[{"OpIndex":1,"What":"failed to lock key \"k\" due to lock delay"}]})",
       Verdict::kDelayed, 0},
      {409, "", Verdict::kUnknown, 0},
      {500, "No cluster leader", Verdict::kUnknown, 0},
      {500, R"({"Results":[]})", Verdict::kUnknown, 0},
      {200, "", Verdict::kUnknown, 0},
      {403, "Permission denied", Verdict::kUnknown, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.status);
    CAPTURE(std::string(c.body));
    const auto wrote = parse_write({c.status, c.body, ""});
    CHECK(wrote.verdict == c.verdict);
    CHECK(wrote.index == c.index);
    if (c.verdict == Verdict::kUnknown) CHECK_FALSE(wrote.why.empty());
  }
  CHECK(*parse_session({200, R"({"ID":"abc"})", ""}) == "abc");
  CHECK_FALSE(parse_session({200, "{}", ""}));
  CHECK_FALSE(parse_session({500, "", ""}));
  CHECK(*parse_renewal({200, "[]", ""}));
  CHECK_FALSE(*parse_renewal({404, "Session id 'x' not found", ""}));
  CHECK_FALSE(parse_renewal({500, "", ""}));
}

TEST_CASE("what nodes ask each other goes both ways") {
  const PeerReport report{{"a", "http://a"}, NodeId(5), true, false, Epoch(9), {Epoch(8), 70}};
  const auto said = decode_report(encode_report(report));
  REQUIRE(said);
  CHECK(said->peer == report.peer);
  CHECK(said->node == report.node);
  CHECK(said->candidate);
  CHECK_FALSE(said->is_primary);
  CHECK(said->epoch == report.epoch);
  CHECK(said->standing == report.standing);

  const PromiseRequest request{{"a", "http://a"}, NodeId(5), Epoch(9), 7, 3300ms};
  const auto asked = decode_promise_request(encode_promise_request(request));
  REQUIRE(asked);
  CHECK(asked->peer == request.peer);
  CHECK(asked->epoch == request.epoch);
  CHECK(asked->round == request.round);
  CHECK(asked->length == request.length);
  CHECK_FALSE(decode_promise_request("{}"));
  CHECK_FALSE(decode_promise_request("[]"));

  CHECK(decode_promise(encode_promise(true)));
  CHECK_FALSE(decode_promise(encode_promise(false)));
  CHECK_FALSE(decode_promise("true"));
}

}  // namespace
}  // namespace skerry::lease
