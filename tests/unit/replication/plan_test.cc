#include <doctest/doctest.h>

#include "daemon/replication/backoff.h"
#include "daemon/replication/lag.h"
#include "daemon/replication/stream_plan.h"
#include "daemon/replication/transaction_ring.h"

namespace skerry::replication {
namespace {

using Way = CatchUp::Way;
using std::chrono::milliseconds;
using std::chrono::seconds;

Position at(uint64_t txid, uint64_t checksum) {
  return {Txid(txid), Checksum(checksum)};
}

TEST_CASE("catching up: from the log if it follows, else by an image, and why") {
  const LocalHistory local{at(50, 5), Txid(20), Checksum(3)};
  CHECK(plan_catch_up(at(50, 5), local).way == Way::kNothing);
  CHECK(plan_catch_up(at(40, 3), local).way == Way::kLog);
  CHECK(plan_catch_up(at(19, 3), local).way == Way::kLog);
  CHECK(plan_catch_up(at(40, 4), local) == CatchUp{Way::kImage, ImageReason::kOtherHistory});
  CHECK(plan_catch_up(at(50, 4), local) == CatchUp{Way::kImage, ImageReason::kOtherHistory});
  CHECK(plan_catch_up(at(51, 4), local) == CatchUp{Way::kImage, ImageReason::kOtherHistory});
  const LocalHistory forgot{at(50, 5), Txid(20), {}};
  CHECK(plan_catch_up(at(18, 3), forgot) == CatchUp{Way::kImage, ImageReason::kPastRetention});
  CHECK(plan_catch_up(at(0, 0), forgot) == CatchUp{Way::kImage, ImageReason::kNew});
  CHECK(plan_catch_up(at(0, 0), {at(3, 5), Txid(1), {}}).way == Way::kLog);
  CHECK(plan_catch_up(at(0, 0), {at(5000, 5), Txid(1), {}}).way == Way::kImage);
  CHECK(plan_catch_up(at(0, 0), {}).way == Way::kNothing);
  CHECK(plan_catch_up(at(9, 9), {}).way == Way::kNothing);
  CHECK(plan_catch_up(at(9, 9), {at(50, 5), Txid(0), {}}).way == Way::kImage);
}

TEST_CASE("the ring's next transaction is sent where it follows, skipped where it is known") {
  CHECK(plan_ring_step(at(4, 4), at(4, 4), at(5, 5)) == RingStep::kSend);
  CHECK(plan_ring_step(at(5, 5), at(4, 4), at(5, 5)) == RingStep::kSkip);
  CHECK(plan_ring_step(at(9, 9), at(4, 4), at(5, 5)) == RingStep::kSkip);
  CHECK(plan_ring_step(at(3, 3), at(4, 4), at(5, 5)) == RingStep::kCatchUp);
  CHECK(plan_ring_step(at(4, 9), at(4, 4), at(5, 5)) == RingStep::kCatchUp);
}

TEST_CASE("the ring keeps the last entries within its bounds and tells who lost some") {
  const auto name = std::make_shared<const std::string>("a.db");
  const auto body = std::make_shared<const Bytes>(1000);
  TransactionRing ring(100'000, 10);
  CHECK(ring.end() == 0);
  for (uint64_t i = 0; i < 25; ++i) ring.append({name, at(i, i), at(i + 1, i + 1), body});
  CHECK(ring.end() == 25);
  CHECK(ring.read(14, 100, 1 << 20).lost);
  const auto all = ring.read(15, 100, 1 << 20);
  CHECK_FALSE(all.lost);
  REQUIRE(all.entries.size() == 10);
  CHECK(all.entries.front().pre == at(15, 15));
  CHECK(ring.read(20, 3, 1 << 20).entries.size() == 3);
  CHECK(ring.read(15, 100, 2500).entries.size() == 3);
  CHECK(ring.read(25, 100, 1 << 20).entries.empty());
  CHECK_FALSE(ring.read(25, 100, 1 << 20).lost);
  TransactionRing small(3000, 100);
  for (uint64_t i = 0; i < 25; ++i) small.append({name, at(i, i), at(i + 1, i + 1), body});
  CHECK(small.read(24, 100, 1 << 20).entries.size() == 1);
  CHECK(small.read(20, 100, 1 << 20).lost);
}

TEST_CASE("waits grow to the longest, spread over their upper half, and begin anew") {
  Backoff backoff(milliseconds(100), seconds(1));
  for (int round = 0; round < 2; ++round) {
    milliseconds due(100);
    for (int i = 0; i < 8; ++i) {
      const auto delay = backoff.next(static_cast<uint32_t>(i) * 9973u);
      CHECK(delay >= due / 2);
      CHECK(delay <= due);
      due = std::min(due * 2, milliseconds(1000));
    }
    backoff.reset();
  }
}

TEST_CASE("lag: nothing before the first sync, the delay while all is well, silence after that") {
  Lag lag;
  const Lag::Time start{};
  CHECK_FALSE(lag.milliseconds(start));
  // The local clock is 500 s behind, and the quickest delivery takes no time.
  for (int i = 0; i < 10; ++i) {
    lag.applied(1'000'000 + i * 1000, 500'000 + i * 1000 + (i == 0 ? 0 : 7), start + seconds(i));
  }
  CHECK(lag.milliseconds(start + seconds(9)) == 7);
  CHECK(lag.milliseconds(start + seconds(10)) == 7);
  CHECK(*lag.milliseconds(start + seconds(14)) >= 5000);
  // The primary's clock is set back by five seconds: forgotten after two windows.
  for (int i = 10; i < 4000; ++i) {
    lag.applied(995'000 + i * 1000, 500'000 + i * 1000, start + seconds(i));
  }
  CHECK(lag.milliseconds(start + seconds(4000)) == 0);
}

}  // namespace
}  // namespace skerry::replication
