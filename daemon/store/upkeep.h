// Looks after the databases of a store from one thread of its own: brings their state to disk, so
// that a power cut costs nothing and little has to be replayed; keeps their history within the
// retention's age and size (db/retention.h); and after an end without order compares each
// database's pages with its page-checksum table, at kVerifyBytesPerSecond, while the database is
// served. What it cannot do it reports and tries again.
//
// Threads: start and stop from one; make_room() from any. Store, clock and log outlive it.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "daemon/db/image_reader.h"
#include "daemon/db/retention.h"
#include "daemon/store/store.h"

namespace skerry::store {

// Told of what upkeep did and could not do; called on its thread.
class UpkeepLog {
 public:
  virtual ~UpkeepLog() = default;
  // Files could not be brought to disk: nothing of the history is removed meanwhile.
  virtual void sync_failed(const db::Database& database, const Error& error) = 0;
  // The history stays as it is.
  virtual void retention_failed(const db::Database& database, const Error& error) = 0;
  virtual void retained(const db::Database& database, const db::RetentionResult& result) = 0;
  // All pages are what was committed; or one is not.
  virtual void verified(const db::Database& database, uint32_t pages) = 0;
  virtual void damaged(const db::Database& database, const Error& error) = 0;
};

inline constexpr os::Duration kMakeRoomInterval = std::chrono::seconds(1);
inline constexpr size_t kVerifyBytesPerSecond = 64 * 1024 * 1024;

class Upkeep {
 public:
  struct Settings {
    db::RetentionSettings retention;
    os::Duration interval = std::chrono::minutes(1);
    os::Duration verify_after = std::chrono::seconds(10);  // a worker may be replaced soon again
  };
  Upkeep(Store& store, os::Clock& clock, UpkeepLog& log, const Settings& settings)
      : store_(store), clock_(clock), log_(log), settings_(settings) {}
  ~Upkeep() { stop(); }

  void start();
  void stop();
  // The disk is full: removes history at once, also such that the retention would keep, but at most
  // every kMakeRoomInterval.
  void make_room();

 private:
  void run();
  [[nodiscard]] bool wait_until(os::MonotonicTime when);
  [[nodiscard]] bool must_make_room();
  void run_round(bool disk_full);
  void look_after(db::Database& database, bool disk_full);
  void verify_more();
  [[nodiscard]] Status verify_batch();

  Store& store_;
  os::Clock& clock_;
  UpkeepLog& log_;
  const Settings settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;               // guarded by mutex_
  bool disk_full_ = false;             // guarded by mutex_
  os::MonotonicTime may_make_room_{};  // guarded by mutex_
  // Of the thread:
  std::deque<std::shared_ptr<db::Database>> unverified_;
  std::unique_ptr<db::ImageReader> reader_;  // of the first of them
  db::ImageReader::Batch batch_;
  std::thread thread_;
};

}  // namespace skerry::store
