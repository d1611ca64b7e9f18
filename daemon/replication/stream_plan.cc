#include "daemon/replication/stream_plan.h"

namespace skerry::replication {

// Up to here the log is the shorter way to the whole database.
static constexpr Txid kFewTransactions{8};

CatchUp plan_catch_up(Position replica, const LocalHistory& local) {
  using Way = CatchUp::Way;
  if (replica == local.position) return {Way::kNothing, {}};
  if (local.position.txid == Txid(0)) return {Way::kNothing, {}};  // nothing to bring it to
  if (replica.txid == Txid(0)) {
    const bool few = local.position.txid <= kFewTransactions && local.log_first == Txid(1);
    return few ? CatchUp{Way::kLog, {}} : CatchUp{Way::kImage, ImageReason::kNew};
  }
  if (replica.txid >= local.position.txid) return {Way::kImage, ImageReason::kOtherHistory};
  const bool log_follows = local.log_first != Txid(0) && local.log_first <= next(replica.txid);
  if (local.checksum_then && *local.checksum_then != replica.checksum) {
    return {Way::kImage, ImageReason::kOtherHistory};
  }
  if (log_follows && local.checksum_then) return {Way::kLog, {}};
  return {Way::kImage, ImageReason::kPastRetention};
}

RingStep plan_ring_step(Position sent, Position pre, Position post) {
  if (sent == pre) return RingStep::kSend;
  if (sent == post || sent.txid > post.txid) return RingStep::kSkip;
  return RingStep::kCatchUp;
}

}  // namespace skerry::replication
