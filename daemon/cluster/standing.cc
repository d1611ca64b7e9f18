#include "daemon/cluster/standing.h"

namespace skerry::cluster {

lease::Standing standing_of(const store::Store& store) {
  lease::Standing standing;
  for (const auto& database : store.list()) {
    const db::Database::Info info = database->info();
    standing.epoch = std::max(standing.epoch, info.epoch);
    standing.transactions += info.position.txid.value();
  }
  return standing;
}

}  // namespace skerry::cluster
