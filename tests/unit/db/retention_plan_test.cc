#include "daemon/db/retention_plan.h"

#include <doctest/doctest.h>

namespace skerry::db {
namespace {

constexpr int64_t kNow = 1'000'000'000;
constexpr int64_t kMinute = 60'000;
constexpr uint64_t kMiB = 1024 * 1024;

// Pieces of 10 transactions each, one a minute, the last of which ended `last_age_ms` ago.
std::vector<HistoryPiece> pieces(std::vector<int> levels, uint64_t bytes, int64_t last_age_ms) {
  std::vector<HistoryPiece> made;
  const auto n = static_cast<int64_t>(levels.size());
  for (int64_t i = 0; i < n; ++i) {
    const int64_t newest = kNow - last_age_ms - (n - 1 - i) * kMinute;
    const auto first = static_cast<uint64_t>(i * 10 + 1);
    made.push_back({levels[static_cast<size_t>(i)], Txid(first), Txid(first + 9), bytes,
                    newest - kMinute, newest, levels[static_cast<size_t>(i)] == 0 ? 0u : 4096u,
                    false});
  }
  made.back().active = made.back().level == 0;
  return made;
}

TEST_CASE("what is older than the retention goes, the newest piece never") {
  const auto p = pieces({2, 1, 0, 0}, kMiB, kMinute);
  CHECK(retention_plan(p, {10 * kMinute, 0}, kNow).remove == 0);
  CHECK(retention_plan(p, {2 * kMinute + 1, 0}, kNow).remove == 2);
  CHECK(retention_plan(p, {1, 0}, kNow).remove == 3);
  CHECK(retention_plan(p, {1, 1}, kNow + 1000 * kMinute).remove == 3);
  CHECK(retention_plan(p, {0, 0}, kNow + 1000 * kMinute).remove == 0);
  CHECK(retention_plan({}, {1, 1}, kNow) == RetentionPlan{});
}

TEST_CASE("what exceeds the size goes, oldest first") {
  const auto p = pieces({1, 1, 0, 0}, 10 * kMiB, 0);
  CHECK(retention_plan(p, {0, 40 * kMiB}, kNow).remove == 0);
  CHECK(retention_plan(p, {0, 40 * kMiB - 1}, kNow).remove == 1);
  CHECK(retention_plan(p, {0, 1}, kNow).remove == 3);
}

TEST_CASE("on a full disk the older half goes, whatever its age, and nothing is merged") {
  const auto p = pieces({1, 1, 0, 0, 0}, kMiB, 0);
  const auto plan = retention_plan(p, {60 * kMinute, 0, true}, kNow + 10 * kMinute);
  CHECK(plan.remove == 3);
  CHECK(plan.merges.empty());
  CHECK(plan.roll);
  CHECK(retention_plan(std::span(p).last(1), {0, 0, true}, kNow).remove == 0);
}

TEST_CASE("rolled segments are merged in order once nobody wants them singly") {
  auto p = pieces({1, 0, 0, 0}, kMiB, 0);
  const auto plan = retention_plan(p, {}, kNow);
  CHECK(plan.merges == std::vector<RetentionPlan::Merge>{{1, 1, 1}, {2, 1, 1}});
  p[2].newest_ms = kNow - kMergeAfterMs + 1;
  CHECK(retention_plan(p, {}, kNow).merges == std::vector<RetentionPlan::Merge>{{1, 1, 1}});
}

TEST_CASE("a very large segment waits for its removal, and those behind it with it") {
  auto p = pieces({0, 0, 0}, kMiB, kMinute);
  p[0].bytes = kMergeBytesMax + 1;
  CHECK(retention_plan(p, {60 * kMinute, 0}, kNow).merges.empty());
  CHECK(retention_plan(p, {}, kNow).merges.size() == 2);
}

TEST_CASE("eight neighbours of a level become one of the next") {
  auto p = pieces({1, 1, 1, 1, 1, 1, 1, 1, 1, 0}, kMiB, 0);
  CHECK(retention_plan(p, {}, kNow).merges == std::vector<RetentionPlan::Merge>{{0, 8, 2}});
  // Not over a change of the page size, not beyond the size, not beyond the age's part.
  p[3].page_bytes = 512;
  CHECK(retention_plan(p, {}, kNow).merges.empty());
  p[3].page_bytes = 4096;
  CHECK(retention_plan(p, {40 * kMinute, 0}, kNow).merges.size() == 1);
  CHECK(retention_plan(p, {20 * kMinute, 0}, kNow).merges.empty());
  p[3].bytes = kMergeBytesMax;
  CHECK(retention_plan(p, {}, kNow).merges.empty());
  // The highest level grows no further.
  for (auto& piece : p) piece.level = std::max(piece.level * kMergeLevelMax, 0);
  CHECK(retention_plan(p, {}, kNow).merges.empty());
}

TEST_CASE("what is removed is not merged first") {
  const auto p = pieces({1, 1, 1, 1, 1, 1, 1, 1, 0, 0}, kMiB, 100 * kMinute);
  const auto plan = retention_plan(p, {kMinute, 0}, kNow);
  CHECK(plan.remove == 9);
  CHECK(plan.merges.empty());
}

TEST_CASE("the active segment is rolled by age and size") {
  auto p = pieces({0, 0}, kMiB, 0);
  p[1].oldest_ms = kNow - 5 * kMinute;
  CHECK(retention_plan(p, {20 * kMinute, 0}, kNow).roll);
  CHECK_FALSE(retention_plan(p, {20 * kMinute + 4, 0}, kNow).roll);
  CHECK_FALSE(retention_plan(p, {}, kNow).roll);
  CHECK(retention_plan(p, {0, 4 * kMiB}, kNow).roll);
  CHECK_FALSE(retention_plan(p, {0, 4 * kMiB + 4}, kNow).roll);
}

}  // namespace
}  // namespace skerry::db
