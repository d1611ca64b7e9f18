#include "daemon/replication/frames.h"

#include <doctest/doctest.h>

#include <random>

#include "daemon/replication/wire.h"

namespace skerry::replication {
namespace {

Bytes encoded(const Frame& frame) {
  Bytes message;
  append_frame(message, frame);
  return message;
}

// What `message` holds, which must be one frame of type T.
template <typename T>
T decoded(const Bytes& message) {
  ByteView rest = message;
  auto frame = take_frame(rest);
  REQUIRE(frame.has_value());
  REQUIRE(frame->has_value());
  CHECK(rest.empty());
  REQUIRE(std::holds_alternative<T>(**frame));
  return std::get<T>(**frame);
}

template <typename T>
void check_same(const T& value) {
  const Bytes message = encoded(value);
  CHECK(decoded<T>(message) == value);
}

TEST_CASE("every frame comes back as it was") {
  check_same(Hello{{1, 2},
                   NodeId(~uint64_t{0}),
                   Epoch(9),
                   "host",
                   "fra",
                   "LFSC01",
                   {"a.db", "b"},
                   {{"a.db", {Txid(7), Checksum(8)}, true}, {"", {}, false}}});
  check_same(Ack{{{0, Txid(5), Txid(4)}, {8191, Txid(~uint64_t{0}), Txid(0)}}});
  check_same(Repair{3, true});
  check_same(Welcome{1, NodeId(2), Epoch(3), -4, "primary", "LFSC"});
  check_same(NamedDatabase{0, "a.db"});
  check_same(Begin{4, {}});
  check_same(Begin{4, {2, Origin{NodeId(1), Epoch(2)}, PageSize::of(65536), 77, -12345}});
  check_same(Commit{Checksum(1)});
  check_same(ImageBegin{1, ImageReason::kRepair, *PageSize::of(512), 1u << 31});
  check_same(Past{1, {{Txid(9), Checksum(3)}, {}}});
  check_same(ChecksumsWanted{1, PageNo(100), 8192});
  check_same(ImageEnd{{Txid(9), Checksum(3)}, {NodeId(4), Epoch(5)}, 6, 7});
  check_same(Heartbeat{-1, true, {{0, {Txid(1), Checksum(2)}}}});
  check_same(RoleChange{true, Epoch(4), "host", "http://host:20202"});
  check_same(End{EndReason::kFailed, "the disk is full"});
}

TEST_CASE("frames with borrowed bytes come back as they were") {
  const Bytes block{std::byte{1}, std::byte{2}};
  const Bytes transaction = encoded(TransactionFrame{3, {}, Checksum(5), block});
  const auto back = decoded<TransactionFrame>(transaction);
  CHECK(back.db == 3);
  CHECK(back.post_apply == Checksum(5));
  CHECK(equal(back.block, block));
  const Bytes pages = encoded(Pages{block});
  CHECK(equal(decoded<Pages>(pages).block, block));
  Bytes sums(16);
  store_be64(&sums[8], 42);
  const Bytes checksums = encoded(Checksums{1, PageNo(7), sums});
  const auto of = decoded<Checksums>(checksums);
  CHECK(of.count() == 2);
  CHECK(of.at(1) == Checksum(42));
}

TEST_CASE("a transaction in two parts is the same frame") {
  const TransactionHead head{0, {}, {}, 12, 99};
  const Bytes block(300);
  for (const DbIndex db : {0u, 127u, 128u, 8191u}) {
    Bytes body;
    append_transaction_body(body, head, Checksum(77));
    append(body, block);
    Bytes message;
    append_transaction_head(message, db, body.size());
    append(message, body);
    CHECK(message == encoded(TransactionFrame{db, head, Checksum(77), block}));
  }
}

TEST_CASE("an ordinary transaction's head and checksum take at most 20 bytes") {
  Bytes body;
  append_transaction_body(body, {0, {}, {}, {}, 3'600'000}, Checksum(~uint64_t{0}));
  Bytes message;
  append_transaction_head(message, 1, body.size() + 60);
  CHECK(message.size() + body.size() <= 20);
}

TEST_CASE("a message holds several frames; unknown ones are skipped or refused by their number") {
  Bytes message = encoded(Commit{Checksum(1)});
  WireWriter out(message);
  out.byte(0xff);
  out.text("from a later version");
  append_frame(message, Commit{Checksum(2)});
  ByteView rest = message;
  CHECK(std::get<Commit>(**take_frame(rest)).post_apply == Checksum(1));
  CHECK(std::get<Commit>(**take_frame(rest)).post_apply == Checksum(2));
  CHECK_FALSE(take_frame(rest)->has_value());

  Bytes unknown;
  WireWriter(unknown).byte(0x7f);
  WireWriter(unknown).text("");
  ByteView view = unknown;
  const auto refused = take_frame(view);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Errc::kInvalid);
}

TEST_CASE("lengths are checked before anything is allocated for them") {
  const auto refused = [](const Bytes& message) {
    ByteView rest = message;
    return !take_frame(rest).has_value();
  };
  Bytes huge;
  WireWriter(huge).byte(static_cast<uint8_t>(FrameType::kPages));
  WireWriter(huge).number(kFrameBytesMax + 1);
  CHECK(refused(huge));
  Bytes many;
  WireWriter(many).byte(static_cast<uint8_t>(FrameType::kAck));
  WireWriter(many).text("\xff\xff\xff\xff\x0f");
  CHECK(refused(many));
  Bytes late;
  WireWriter(late).byte(static_cast<uint8_t>(FrameType::kCommit));
  WireWriter(late).text("123456789");  // a byte too many
  CHECK(refused(late));
}

TEST_CASE("a cut-off frame is refused, wherever it ends") {
  const Bytes whole = encoded(Hello{{1, 2},
                                    NodeId(1),
                                    Epoch(9),
                                    "host",
                                    "fra",
                                    "LFSC01",
                                    {"a.db"},
                                    {{"a.db", {Txid(7), Checksum(8)}, true}}});
  for (size_t n = 1; n < whole.size(); ++n) {
    ByteView rest = ByteView(whole).first(n);
    CHECK_FALSE(take_frame(rest).has_value());
  }
}

TEST_CASE("random bytes are refused or understood, never more") {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    Bytes message(random() % 64);
    for (std::byte& b : message) b = static_cast<std::byte>(random());
    if (!message.empty()) message[0] &= std::byte{0x3f};
    if (message.size() > 1) message[1] = static_cast<std::byte>(message.size() - 2);
    ByteView rest = message;
    while (true) {
      const auto frame = take_frame(rest);
      if (!frame || !*frame) break;
    }
  }
}

TEST_CASE("the newest version that both speak") {
  CHECK(negotiate({1, 1}, {1, 1}) == 1);
  CHECK(negotiate({1, 2}, {2, 3}) == 2);
  CHECK(negotiate({2, 3}, {1, 2}) == 2);
  CHECK(negotiate({2, 3}, {1, 9}) == 3);
  CHECK_FALSE(negotiate({1, 2}, {3, 4}));
  CHECK_FALSE(negotiate({3, 4}, {1, 2}));
}

}  // namespace
}  // namespace skerry::replication
