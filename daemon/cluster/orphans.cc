#include "daemon/cluster/orphans.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/cluster/orphan_writer.h"
#include "daemon/db/past_positions.h"
#include "daemon/log/log.h"

namespace skerry::cluster {

Orphans::Orphans(os::FileSystem& fs, os::Clock& clock, store::Store& store, NodeId node,
                 std::string hostname)
    : fs_(fs), clock_(clock), store_(store), node_(node), hostname_(std::move(hostname)) {}

size_t Orphans::count() const {
  const auto all = list_orphans(fs_, store_.data_dir());
  return all ? all->size() : 0;
}

// Of a replacement that was interrupted after it.
Result<bool> Orphans::is_kept(const Replacement& what) const {
  TRY_ASSIGN(const auto all, list_orphans(fs_, store_.data_dir()));
  return std::ranges::any_of(all, [&](const Orphan& orphan) {
    return orphan.database == what.database && orphan.end == what.local;
  });
}

static Writer last_writer(const db::CommitLog& log, Position position) {
  const auto stored = log.stored(position.txid);
  if (!stored || !*stored) return {};
  const auto header = (*stored)->header();
  return header ? Writer{header->node_id, header->epoch} : Writer{};
}

Status Orphans::keep_lost(const Replacement& what) {
  auto database = store_.find(what.database);
  if (!database) return {};
  const auto local = db::past_positions(database->log(), what.local, what.local.txid,
                                        kOrphanPositionsMax);
  const OrphanPlan plan =
      plan_orphan(local, what.past, what.other_history, last_writer(database->log(), what.local),
                  what.primary);
  if (!plan.keep) return {};
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const bool kept, is_kept(what));
  if (kept) return {};
  const Epoch epoch = database->info().epoch;
  const Status done = keep(what, std::move(database), plan, epoch);
  if (done) return {};
  return fail(done.error().code(),
              fmt::format("{} has transactions that the primary {} does not have, and they cannot "
                          "be kept, so the database stays as it is: {}",
                          what.database, what.primary_hostname, done.error().message()));
}

Status Orphans::keep(const Replacement& what, std::shared_ptr<db::Database> database,
                     const OrphanPlan& plan, Epoch epoch) {
  Orphan orphan;
  orphan.database = what.database;
  orphan.fork = plan.fork;
  orphan.end = what.local;
  orphan.epoch = epoch;
  orphan.node = node_;
  orphan.hostname = hostname_;
  orphan.primary = what.primary_hostname.empty() ? hex16(what.primary.node.value())
                                                 : what.primary_hostname;
  orphan.primary_epoch = what.primary.epoch;
  orphan.kept_ms = clock_.wall_ms();
  orphan.is_certain = plan.is_certain;
  TRY_ASSIGN(orphan, write_orphan(fs_, store_.data_dir(), std::move(database), std::move(orphan)));
  transactions_ += orphan.transactions;
  log::warn("orphan-kept",
            fmt::format("this node {} {} transactions that the primary does not have; they are "
                        "kept, and \"skerry orphans diff {}\" shows them",
                        orphan.is_certain ? "has" : "may have", orphan.transactions, orphan.id),
            {{"db", orphan.database},
             {"path", orphan.path},
             {"fork", orphan.fork ? to_string(*orphan.fork) : "unknown"},
             {"pos", to_string(orphan.end)},
             {"count", orphan.transactions},
             {"primary", orphan.primary}});
  if (observer_) observer_(orphan);
  return {};
}

}  // namespace skerry::cluster
