#include "daemon/store/upkeep.h"

#include <pthread.h>

namespace skerry::store {

// However short the configured interval: each round syncs files.
static constexpr os::Duration kIntervalMin = std::chrono::seconds(1);

void Upkeep::start() {
  {
    const std::lock_guard lock(mutex_);
    running_ = true;
  }
  thread_ = std::thread([this] { run(); });
}

void Upkeep::stop() {
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::make_room() {
  {
    const std::lock_guard lock(mutex_);
    if (disk_full_ || clock_.now() < may_make_room_) return;
    disk_full_ = true;
  }
  changed_.notify_one();
}

void Upkeep::run() {
  ::pthread_setname_np(::pthread_self(), "upkeep");
  for (const auto& database : store_.list()) {
    if (!database->recovery().clean) unverified_.push_back(database);
  }
  constexpr auto kBatchTime =
      os::Duration(std::chrono::seconds(1)) * db::ImageReader::kBatchBytes / kVerifyBytesPerSecond;
  auto round = clock_.now() + std::max(settings_.interval, kIntervalMin);
  auto batch = clock_.now() + settings_.verify_after;
  while (wait_until(unverified_.empty() ? round : std::min(round, batch))) {
    const auto now = clock_.now();
    if (!unverified_.empty() && now >= batch) {
      verify_more();
      batch = now + kBatchTime;
    }
    const bool disk_full = must_make_room();
    if (!disk_full && now < round) continue;
    run_round(disk_full);
    round = clock_.now() + std::max(settings_.interval, kIntervalMin);
  }
  reader_.reset();
  unverified_.clear();
}

bool Upkeep::wait_until(os::MonotonicTime when) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, when, [this] { return !running_ || disk_full_; });
  return running_;
}

bool Upkeep::must_make_room() {
  const std::lock_guard lock(mutex_);
  if (!disk_full_) return false;
  disk_full_ = false;
  may_make_room_ = clock_.now() + kMakeRoomInterval;
  return true;
}

void Upkeep::verify_more() {
  const std::shared_ptr<db::Database> database = unverified_.front();
  if (auto status = verify_batch(); !status) {
    if (status.error().code() == Errc::kBusy) return;  // again later
    log_.damaged(*database, status.error());
  } else if (reader_ && !batch_.end && reader_->progress().done < reader_->progress().pages) {
    return;
  } else {
    log_.verified(*database, reader_->progress().pages);
  }
  reader_.reset();
  unverified_.pop_front();
}

// Reading an image is holding every page against the table.
Status Upkeep::verify_batch() {
  if (!reader_) {
    TRY_ASSIGN(reader_, db::ImageReader::open(unverified_.front(), db::ImageReader::Of::kEverything,
                                              std::chrono::milliseconds(1)));
  }
  return reader_->next(batch_);
}

void Upkeep::run_round(bool disk_full) {
  for (const auto& database : store_.list()) look_after(*database, disk_full);
}

void Upkeep::look_after(db::Database& database, bool disk_full) {
  const auto synced = database.sync_state();
  if (!synced) log_.sync_failed(database, synced.error());
  const Txid removable = synced ? *synced : database.synced_txid();
  db::RetentionSettings settings = settings_.retention;
  settings.disk_full = disk_full;
  // Best effort: without it the newest segment stays.
  if (disk_full) (void)database.begin_log_segment();
  const auto result = db::enforce_retention(database.log(), settings, removable, clock_.wall_ms());
  if (!result) {
    log_.retention_failed(database, result.error());
    return;
  }
  database.count_removed_log_files(result->removed);
  if (result->problem) log_.retention_failed(database, *result->problem);
  if (result->removed + result->merged > 0) log_.retained(database, *result);
}

}  // namespace skerry::store
