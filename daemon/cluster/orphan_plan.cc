#include "daemon/cluster/orphan_plan.h"

namespace skerry::cluster {
namespace {

struct Parting {
  std::optional<Position> common;  // the newest
  bool differ = false;             // at one txid both stood elsewhere
};

Parting compare(std::span<const Position> local, std::span<const Position> primary) {
  Parting found;
  while (!local.empty() && !primary.empty()) {
    const Position ours = local.front();
    const Position theirs = primary.front();
    if (ours == theirs) {
      found.common = ours;
      return found;
    }
    if (ours.txid == theirs.txid) found.differ = true;
    if (ours.txid >= theirs.txid) local = local.subspan(1);
    if (theirs.txid >= ours.txid) primary = primary.subspan(1);
  }
  return found;
}

}  // namespace

OrphanPlan plan_orphan(std::span<const Position> local, std::span<const Position> primary,
                       bool other_history, Writer last, Writer now) {
  if (local.empty() || local.front().txid == Txid(0)) return {};
  const Parting parting = compare(local, primary);
  if (parting.common) {
    const bool lost = *parting.common != local.front();
    return lost ? OrphanPlan{true, true, parting.common} : OrphanPlan{};
  }
  if (parting.differ || other_history) return {true, true, std::nullopt};
  const bool same_epoch = last.epoch == now.epoch && now.epoch != Epoch(0);
  if (same_epoch || (last.node == now.node && now.node != NodeId(0))) return {};
  return {true, false, std::nullopt};
}

}  // namespace skerry::cluster
