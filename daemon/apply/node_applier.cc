#include "daemon/apply/node_applier.h"

#include <fmt/format.h>
#include <pthread.h>

#include "daemon/apply/image_transfer.h"
#include "daemon/log/log.h"

namespace skerry::apply {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTick{500};
// A database that nothing came for is closed on the mount: its last reader may clean up behind
// itself, and a later writer may change its journal mode.
constexpr milliseconds kIdle{1'000};

std::unexpected<Error> ending() {
  return fail(Errc::kCancelled, "this node ends and applies nothing any more");
}

}  // namespace

NodeApplier::NodeApplier(os::FileSystem& fs, os::Clock& clock, const peer::OwnMount& mount,
                         db::KernelCache& cache, store::Store& store)
    : fs_(fs),
      clock_(clock),
      store_(store),
      obstacles_(clock),
      around_{fs, clock, mount, cache, obstacles_, [this](const std::string& database) {
                {
                  const std::lock_guard lock(mutex_);
                  due_.insert(database);
                }
                changed_.notify_one();
              }} {}

NodeApplier::~NodeApplier() {
  stop();
}

void NodeApplier::start() {
  redo_all();
  thread_ = std::thread([this] { run(); });
}

void NodeApplier::stop() {
  std::map<std::string, std::shared_ptr<Desk>> desks;
  {
    const std::lock_guard lock(mutex_);
    around_.stopping = true;
    desks.swap(desks_);
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  for (const auto& [name, desk] : desks) desk->leave();
}

void NodeApplier::redo_all() {
  for (const auto& database : store_.list()) {
    if (database->was_redone()) {
      for (const auto kind : {db::FileKind::kDatabase, db::FileKind::kWal}) {
        around_.cache.forget(*database, kind, 0, 0);
      }
    }
    if (!database->must_redo()) continue;
    const auto turn = Turn::take(desk_of(database));
    if (!turn) return;
    if (auto done = turn->desk().redo(); !done) {
      log::warn("apply-redo", done.error().message(), {{"db", database->name()}});
    }
  }
}

std::shared_ptr<Desk> NodeApplier::desk_of(std::shared_ptr<db::Database> database) {
  const std::lock_guard lock(mutex_);
  auto& desk = desks_[database->name()];
  if (!desk || desk->database() != database) {
    desk = std::make_shared<Desk>(around_, std::move(database));
  }
  return desk;
}

Result<std::unique_ptr<Turn>> NodeApplier::take_turn(const std::string& name) {
  TRY_ASSIGN(auto database, store_.find_or_create(name));
  auto turn = Turn::take(desk_of(std::move(database)));
  if (!turn) return ending();
  if (turn->desk().database()->must_redo()) TRY(turn->desk().redo());
  return turn;
}

Result<std::unique_ptr<Incoming>> NodeApplier::open(std::unique_ptr<Turn> turn,
                                                    const ltx::Header& header, bool own) {
  auto transfer = std::make_unique<Transfer>(std::move(turn), fs_, own);
  TRY(transfer->begin(header));
  return transfer;
}

Result<std::unique_ptr<Incoming>> NodeApplier::begin(const std::string& database,
                                                     const ltx::Header& header) {
  TRY_ASSIGN(auto turn, take_turn(database));
  const Position now = turn->desk().replica().view().position;
  const bool follows =
      header.is_snapshot() ? now.txid == Txid(0) : header.pre_apply_position() == now;
  if (!follows) {
    return fail(Errc::kInvalid,
                fmt::format("database {} stands at {}; the transaction is for {}", database,
                            to_string(now), to_string(header.pre_apply_position())));
  }
  return open(std::move(turn), header, false);
}

Result<std::unique_ptr<Image>> NodeApplier::begin_image(const std::string& database,
                                                        const ltx::Header& header) {
  TRY_ASSIGN(auto turn, take_turn(database));
  auto image = std::make_unique<ImageTransfer>(std::move(turn), fs_);
  TRY(image->begin(header));
  return image;
}

Result<std::unique_ptr<Incoming>> NodeApplier::begin_import(const std::string& database,
                                                            PageSize page_size, uint32_t pages) {
  TRY_ASSIGN(auto turn, take_turn(database));
  auto header = turn->desk().replica().own_header(page_size, pages);
  if (!header) {
    turn.reset();
    store_.remove_if_void(database);
    return std::unexpected(std::move(header).error());
  }
  return open(std::move(turn), *header, true);
}

Status NodeApplier::checkpoint(const std::string& name) {
  auto database = store_.find(name);
  if (!database) return fail(Errc::kNotFound, fmt::format("there is no database {}", name));
  return desk_of(std::move(database))->checkpoint();
}

void NodeApplier::run() {
  ::pthread_setname_np(::pthread_self(), "checkpoint");
  std::unique_lock lock(mutex_);
  while (!around_.stopping) {
    changed_.wait_for(lock, kTick, [this] { return around_.stopping || !due_.empty(); });
    const auto due = std::exchange(due_, {});
    std::vector<std::shared_ptr<Desk>> desks;
    for (const auto& [name, desk] : desks_) desks.push_back(desk);
    lock.unlock();
    for (const auto& desk : desks) {
      if (around_.stopping) break;
      if (!due.contains(desk->database()->name())) continue;
      if (auto done = desk->checkpoint(); !done) {
        log::warn("checkpoint", done.error().message(), {{"db", desk->database()->name()}});
      }
    }
    for (const auto& desk : desks) desk->leave_if_idle(clock_.now() - kIdle);
    lock.lock();
  }
}

}  // namespace skerry::apply
