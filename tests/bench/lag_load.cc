// Writes rows into a database on the primary and waits for each on a replica; prints how long they
// took from COMMIT's return until a reader of the replica's file finds them (JSON).
//
// usage: lag_load PRIMARY REPLICA PER_SECOND COUNT      (paths of the database in both mounts)
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kGiveUp = std::chrono::seconds(60);

void check(sqlite3* db, int code, const char* what) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  fmt::print(stderr, "{}: {}\n", what, sqlite3_errmsg(db));
  std::exit(1);
}

sqlite3* open(const char* path) {
  sqlite3* db = nullptr;
  check(db, sqlite3_open(path, &db), path);
  sqlite3_busy_timeout(db, 30'000);
  return db;
}

sqlite3_stmt* prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  check(db, sqlite3_prepare_v2(db, sql, -1, &statement, nullptr), sql);
  return statement;
}

// The newest row; 0 while the table has not arrived.
int64_t newest(sqlite3_stmt* select) {
  const int64_t id = sqlite3_step(select) == SQLITE_ROW ? sqlite3_column_int64(select, 0) : 0;
  sqlite3_reset(select);
  return id;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: lag_load PRIMARY REPLICA PER_SECOND COUNT\n");
    return 2;
  }
  sqlite3* primary = open(argv[1]);
  sqlite3* replica = open(argv[2]);
  const double per_second = std::atof(argv[3]);
  const auto count = static_cast<size_t>(std::atoll(argv[4]));
  sqlite3_stmt* insert = prepare(primary, "INSERT INTO t (k, v) VALUES (1, 'a row as any other')");
  sqlite3_stmt* select = prepare(replica, "SELECT max(id) FROM t");
  const int64_t before = newest(select);

  std::vector<Clock::time_point> committed(count);
  std::atomic<size_t> done{0};
  std::thread writer([&] {
    const auto start = Clock::now();
    for (size_t i = 0; i < count; ++i) {
      if (per_second > 0) {
        std::this_thread::sleep_until(
            start + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(static_cast<double>(i) / per_second)));
      }
      check(primary, sqlite3_step(insert), "insert");
      sqlite3_reset(insert);
      committed[i] = Clock::now();
      done.store(i + 1, std::memory_order_release);
    }
  });

  std::vector<double> lags;
  const auto start = Clock::now();
  while (lags.size() < count) {
    const auto seen = static_cast<size_t>(std::max<int64_t>(newest(select) - before, 0));
    const auto now = Clock::now();
    const size_t known = std::min(seen, done.load(std::memory_order_acquire));
    for (size_t i = lags.size(); i < known; ++i) {
      lags.push_back(std::chrono::duration<double, std::milli>(now - committed[i]).count());
    }
    if (now - start >
        kGiveUp + std::chrono::duration<double>(
                      per_second > 0 ? static_cast<double>(count) / per_second : 60)) {
      fmt::print(stderr, "gave up: {} of {} rows arrived\n", lags.size(), count);
      std::exit(1);
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  writer.join();
  std::ranges::sort(lags);
  const auto at = [&](double share) {
    return lags[static_cast<size_t>(share * static_cast<double>(count - 1))];
  };
  fmt::print(
      "{{\"count\": {}, \"per_second\": {:.0f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, "
      "\"max_ms\": {:.1f}}}\n",
      count, static_cast<double>(count) / seconds, at(0.5), at(0.99), at(1));
  sqlite3_finalize(insert);
  sqlite3_finalize(select);
  sqlite3_close(primary);
  sqlite3_close(replica);
  return 0;
}
