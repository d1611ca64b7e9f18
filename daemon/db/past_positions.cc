#include "daemon/db/past_positions.h"

#include <algorithm>

namespace skerry::db {

std::vector<Position> past_positions(const CommitLog& log, Position now, Txid last,
                                     size_t count_max) {
  std::vector<Position> all;
  if (last >= now.txid) all.push_back(now);
  Txid txid = last >= now.txid ? now.txid : next(last);
  while (txid != Txid(0) && all.size() < count_max) {
    const auto stored = log.stored(txid);
    if (!stored || !*stored) break;
    const auto header = (*stored)->header();
    if (!header) break;
    const Position before = header->pre_apply_position();
    if (before.txid <= last) all.push_back(before);
    txid = before.txid;
  }
  return all;
}

}  // namespace skerry::db
