#include "daemon/cluster/handover_wire.h"

#include <doctest/doctest.h>

#include "daemon/cluster/successor.h"

namespace skerry::cluster {
namespace {

using namespace std::chrono_literals;
using Kind = HandoverRequest::Kind;

Position at(uint64_t txid, uint64_t checksum = 1) {
  return {Txid(txid), Checksum(checksum | kChecksumFlag)};
}

TEST_CASE("what nodes say about a hand-over comes through") {
  HandoverRequest request;
  request.kind = Kind::kProve;
  request.from = {"a \"1\"", "http://a:1"};
  request.epoch = Epoch(9);
  request.cluster = "LFSC0123456789ABCDEF";
  request.wait = 250ms;
  request.positions = {{"a.db", at(7)}, {"ü.db", at(1, 2)}};
  const auto back = decode_handover(encode(request));
  REQUIRE(back);
  CHECK(back->kind == request.kind);
  CHECK(back->from == request.from);
  CHECK(back->epoch == request.epoch);
  CHECK(back->cluster == request.cluster);
  CHECK(back->wait == request.wait);
  CHECK(back->positions == request.positions);

  const auto grant = decode_grant(encode(GrantRequest{{"a", "http://a"}, Epoch(9), 4, 5, 600ms}));
  REQUIRE(grant);
  CHECK(grant->from.name == "a");
  CHECK(grant->epoch == Epoch(9));
  CHECK(grant->key_index == 4);
  CHECK(grant->record_index == 5);
  CHECK(grant->wait == 600ms);

  const auto answer = decode_answer(encode(HandoverAnswer{false, "behind"}));
  REQUIRE(answer);
  CHECK_FALSE(answer->ok);
  CHECK(answer->why == "behind");
}

TEST_CASE("what is malformed is refused") {
  for (const char* text :
       {"", "[]", "{}", R"({"kind":"prove"})", R"({"kind":"other","databases":[]})",
        R"({"kind":"prove","databases":[7]})",
        R"({"kind":"prove","databases":[{"name":"a","txid":"7","checksum":"1"}]})",
        R"({"kind":"prove","databases":[{"name":"","txid":"0000000000000007",
            "checksum":"8000000000000001"}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_handover(text));
  }
  CHECK_FALSE(decode_grant(R"({"epoch":1,"key-index":0,"record-index":3})"));
  CHECK_FALSE(decode_grant(R"({"epoch":1,"key-index":-1,"record-index":3})"));
  CHECK_FALSE(decode_answer("true"));
}

TEST_CASE("what a successor lacks") {
  const Positions wanted{{"a", at(5)}, {"b", at(2)}};
  struct Row {
    const char* name;
    Positions here;
    const char* prepare;  // part of what is missing; empty: nothing
    const char* prove;
  };
  const Row rows[] = {
      {"the same", wanted, "", ""},
      {"nothing", {}, "7 transactions behind", "7 transactions behind"},
      {"behind", {{"a", at(3)}, {"b", at(2)}}, "2 transactions", "2 transactions"},
      {"ahead", {{"a", at(6)}, {"b", at(2)}}, "", "database a stands at"},
      {"other history", {{"a", at(5, 9)}, {"b", at(2)}}, "database a", "database a"},
      {"one more", {{"a", at(5)}, {"b", at(2)}, {"c", at(1)}}, "", "a database c"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto check = [&](Kind kind, std::string_view part) {
      const auto why = missing(kind, wanted, row.here);
      CHECK(why.has_value() == !part.empty());
      if (why) CHECK(why->find(part) != std::string::npos);
    };
    check(Kind::kPrepare, row.prepare);
    check(Kind::kProve, row.prove);
  }
}

}  // namespace
}  // namespace skerry::cluster
