#include "daemon/db/retention_plan.h"

namespace skerry::db {
namespace {

using Pieces = std::span<const HistoryPiece>;

size_t count_removed(Pieces pieces, const RetentionSettings& settings, int64_t now_ms) {
  uint64_t total = 0;
  for (const HistoryPiece& piece : pieces) total += piece.bytes;
  const uint64_t half = total / 2;
  size_t removed = 0;
  while (removed + 1 < pieces.size()) {
    const HistoryPiece& oldest = pieces[removed];
    const bool expired = settings.age_ms > 0 && oldest.newest_ms < now_ms - settings.age_ms;
    const bool too_much = settings.bytes > 0 && total > settings.bytes;
    const bool in_the_way = settings.disk_full && total > half;
    if (!expired && !too_much && !in_the_way) break;
    total -= oldest.bytes;
    ++removed;
  }
  return removed;
}

bool must_roll(const HistoryPiece& active, const RetentionSettings& settings, int64_t now_ms) {
  if (active.bytes == 0) return false;
  const bool by_age =
      settings.age_ms > 0 && now_ms - active.oldest_ms >= settings.age_ms / kAgeParts;
  const bool by_bytes = settings.bytes > 0 && active.bytes >= settings.bytes / kAgeParts;
  return by_age || by_bytes;
}

// Segments are merged in order. One that is very large stops that until it is removed, unless it
// never will be: copying it would bring nothing.
void plan_segments(Pieces pieces, size_t from, const RetentionSettings& settings, int64_t now_ms,
                   RetentionPlan& plan) {
  for (size_t i = from; i < pieces.size(); ++i) {
    const HistoryPiece& piece = pieces[i];
    if (piece.level != 0) continue;
    if (piece.active || now_ms - piece.newest_ms < kMergeAfterMs) return;
    if (piece.bytes > kMergeBytesMax && settings.age_ms > 0) return;
    plan.merges.push_back({i, 1, 1});
  }
}

// Neighbours of one level from `first` on that may become one file.
size_t run_length(Pieces pieces, size_t first, const RetentionSettings& settings) {
  uint64_t bytes = 0;
  size_t n = 0;
  while (first + n < pieces.size() && n < kMergeFiles) {
    const HistoryPiece& piece = pieces[first + n];
    bytes += piece.bytes;
    const int64_t span_ms = piece.newest_ms - pieces[first].oldest_ms;
    const bool fits = piece.level == pieces[first].level &&
                      piece.page_bytes == pieces[first].page_bytes && bytes <= kMergeBytesMax &&
                      (settings.age_ms <= 0 || span_ms <= settings.age_ms / kAgeParts);
    if (!fits) break;
    ++n;
  }
  return n;
}

void plan_levels(Pieces pieces, size_t from, const RetentionSettings& settings,
                 RetentionPlan& plan) {
  for (size_t i = from; i < pieces.size();) {
    const HistoryPiece& piece = pieces[i];
    const size_t n = run_length(pieces, i, settings);
    if (piece.level == 0 || piece.level >= kMergeLevelMax || n < kMergeFiles) {
      ++i;
      continue;
    }
    plan.merges.push_back({i, n, piece.level + 1});
    i += n;
  }
}

}  // namespace

RetentionPlan retention_plan(Pieces pieces, const RetentionSettings& settings, int64_t now_ms) {
  RetentionPlan plan;
  if (pieces.empty()) return plan;
  plan.remove = count_removed(pieces, settings, now_ms);
  if (settings.disk_full) {
    plan.roll = pieces.back().active && pieces.back().bytes > 0;
    return plan;
  }
  plan_levels(pieces, plan.remove, settings, plan);
  plan_segments(pieces, plan.remove, settings, now_ms, plan);
  plan.roll = pieces.back().active && must_roll(pieces.back(), settings, now_ms);
  return plan;
}

}  // namespace skerry::db
