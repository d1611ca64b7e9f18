#include "proxy/session_token.h"

#include <doctest/doctest.h>

#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

const DbKey kA = db_key("a.db");
const DbKey kB = db_key("b.db");
const DbKey kFirst = std::min(kA, kB);
const DbKey kSecond = std::max(kA, kB);

Token two_marks() {
  return {Epoch(77), {{kFirst, Txid(5)}, {kSecond, Txid(1'000'000)}}};
}

TEST_CASE("a token survives the journey") {
  const Token token = two_marks();
  for (const char* secret : {"", "a secret"}) {
    const std::string text = encode(token, secret);
    CHECK(text.size() < 60);
    CHECK(decode(text, secret, kA) == token);
  }
  CHECK(decode(encode({}, ""), "", kA) == Token());
}

TEST_CASE("a token that was forged, cut or comes from another cluster is none") {
  const std::string text = encode(two_marks(), "ours");
  CHECK_FALSE(decode(text, "theirs", kA));
  CHECK_FALSE(decode(text, "", kA));
  for (size_t n = 0; n < text.size(); ++n) CHECK_FALSE(decode(text.substr(0, n), "ours", kA));
  for (size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(decode(other, "ours", kA));
  }
  CHECK_FALSE(decode(text + "A", "ours", kA));
  CHECK_FALSE(decode(std::string(100'000, 'A'), "ours", kA));
}

TEST_CASE("LiteFS's form means the database that LiteFS would have tracked") {
  CHECK(decode("00000000000000ff", "s", kB) == Token{Epoch(), {{kB, Txid(255)}}});
  CHECK_FALSE(decode("00000000000000f", "s", kB));
  CHECK_FALSE(decode("zz000000000000ff", "s", kB));
}

TEST_CASE("a token never grows past its bound") {
  Token token{Epoch(1), {}};
  std::vector<DbPosition> positions;
  for (uint64_t i = 0; i < 3 * kTokenDatabasesMax; ++i) {
    positions.push_back({DbKey(i << 40), Txid(~0ull), Epoch(~0ull)});
  }
  token = advanced(token, positions, Epoch(1), false);
  CHECK(token.marks.size() == kTokenDatabasesMax);
  const std::string text = encode(token, "s");
  CHECK(text.size() <= kTokenTextBytesMax);
  CHECK(decode(text, "s", kA) == token);
}

TEST_CASE("the header goes before the cookie") {
  const std::string_view line;
  const Field cookie{FieldId::kCookie, "Cookie", "x=1; __txid=from-cookie; y=2", line};
  const Field other{FieldId::kCookie, "Cookie", "my__txid=no;__txidx=no; __txid=", line};
  const Field header{FieldId::kSkerryToken, "Skerry-Token", "from-header", line};
  CHECK(token_text({cookie}) == "from-cookie");
  CHECK(token_text({other, cookie}) == "from-cookie");
  CHECK(token_text({cookie, header}) == "from-header");
  CHECK(token_text({other}).empty());
}

struct Row {
  const char* what;
  uint64_t token_epoch, token_txid;
  uint64_t node_epoch, node_txid;
  Standing expected;
};

TEST_CASE("where a client stands to this node") {
  const Tracked tracked{false, {kA}};
  const Row rows[] = {
      {"the same", 5, 10, 5, 10, Standing::kReached},
      {"ahead", 5, 10, 5, 11, Standing::kReached},
      {"not there yet", 5, 10, 5, 9, Standing::kBehind},
      {"a new primary, and not there yet", 6, 10, 5, 9, Standing::kBehind},
      {"a later history that is shorter", 5, 10, 6, 9, Standing::kLost},
      {"a later history that is longer", 5, 10, 6, 10, Standing::kReached},
      {"LiteFS's form knows no epoch", 0, 10, 6, 9, Standing::kBehind},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Token token{Epoch(row.token_epoch), {{kA, Txid(row.token_txid)}}};
    const std::vector<DbPosition> at{{kA, Txid(row.node_txid), Epoch(row.node_epoch)}};
    CHECK(standing(token, at, tracked) == row.expected);
  }
  const Token token{Epoch(5), {{kA, Txid(10)}}};
  CHECK(standing(token, {}, tracked) == Standing::kBehind);
  CHECK(standing(token, {}, Tracked{false, {kB}}) == Standing::kNone);
  CHECK(standing(token, {}, Tracked{true, {}}) == Standing::kBehind);
  CHECK(standing({}, {}, Tracked{true, {}}) == Standing::kNone);
}

TEST_CASE("what is committed, but not seen yet, counts only with its last transaction") {
  const Tracked all{true, {}};
  const std::vector<DbPosition> at{{kA, Txid(10), Epoch(5), true}};
  const auto seen = [](uint64_t txid) { return Token{Epoch(5), {{kA, Txid(txid)}}}; };
  CHECK(standing(seen(9), at, all) == Standing::kReached);
  CHECK(standing(seen(10), at, all) == Standing::kAppearing);
  CHECK(standing(seen(11), at, all) == Standing::kBehind);
  CHECK(advanced({}, at, Epoch(5), true) == seen(10));
}

TEST_CASE("the worst of several databases counts") {
  const Tracked all{true, {}};
  const std::vector<DbPosition> at{{kFirst, Txid(5), Epoch(77)}, {kSecond, Txid(9), Epoch(77)}};
  CHECK(standing(two_marks(), at, all) == Standing::kBehind);
}

TEST_CASE("a client never goes back") {
  const std::vector<DbPosition> at{{kFirst, Txid(9), Epoch(80)}};
  const Token seen = two_marks();
  CHECK(advanced(seen, at, Epoch(79), false) ==
        Token{Epoch(80), {{kFirst, Txid(9)}, {kSecond, Txid(1'000'000)}}});
  const std::vector<DbPosition> before{{kFirst, Txid(4), Epoch(70)}};
  CHECK(advanced(seen, before, Epoch(70), false) == seen);
  SUBCASE("unless the primary says so") {
    CHECK(advanced(seen, before, Epoch(90), true) == Token{Epoch(90), {{kFirst, Txid(4)}}});
  }
}

}  // namespace
}  // namespace skerry::proxy
