// A SQLite application that measures itself: one workload, one line of figures (JSON).
//
// usage: sql_load DATABASE JOURNAL SYNC WORKLOAD COUNT
//   JOURNAL   wal | delete | truncate | persist        SYNC   normal | full
//   WORKLOAD  fill    COUNT rows in one transaction, then a checkpoint; nothing is printed
//             insert  COUNT transactions of one row     update  … of one random row
//             bulk    COUNT rows in one transaction     select  COUNT reads of a random row
//             index   CREATE INDEX                      vacuum  VACUUM
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

class Connection {
 public:
  explicit Connection(const char* path) {
    check(sqlite3_open(path, &db_), "open");
    sqlite3_busy_timeout(db_, 30'000);
  }
  ~Connection() { sqlite3_close(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void run(const std::string& sql) {
    check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), sql);
  }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr), sql);
    return statement;
  }
  void step(sqlite3_stmt* statement) {
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(statement);
    check(sqlite3_reset(statement), "step");
  }
  int64_t number(const char* sql) {
    sqlite3_stmt* statement = prepare(sql);
    const int64_t value =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return value;
  }

 private:
  void check(int code, const std::string& what) const {
    if (code == SQLITE_OK) return;
    fmt::print(stderr, "{}: {} (errno {})\n", what, sqlite3_errmsg(db_), sqlite3_system_errno(db_));
    std::exit(1);
  }
  sqlite3* db_ = nullptr;
};

class Load {
 public:
  Load(Connection& db, int64_t count)
      : db_(db), count_(count), rows_(db.number("SELECT max(id) FROM t")) {
    for (char& c : text_) c = static_cast<char>('a' + random_() % 26);
  }

  void inserts(int bytes) {
    sqlite3_stmt* insert = db_.prepare("INSERT INTO t (k, v) VALUES (?1, ?2)");
    for (int64_t i = 0; i < count_; ++i) {
      sqlite3_bind_int64(insert, 1, number(1'000'000));
      sqlite3_bind_text(insert, 2, text_.data() + random_() % 100, bytes, SQLITE_STATIC);
      timed([&] { db_.step(insert); });
    }
    sqlite3_finalize(insert);
  }
  void updates() {
    sqlite3_stmt* update = db_.prepare("UPDATE t SET k = ?1 WHERE id = ?2");
    for (int64_t i = 0; i < count_; ++i) {
      sqlite3_bind_int64(update, 1, number(1'000'000));
      sqlite3_bind_int64(update, 2, 1 + number(rows_));
      timed([&] { db_.step(update); });
    }
    sqlite3_finalize(update);
  }
  void selects() {
    (void)db_.number("SELECT sum(length(v)) FROM t");  // warms the cache
    sqlite3_stmt* select = db_.prepare("SELECT v FROM t WHERE id = ?1");
    for (int64_t i = 0; i < count_; ++i) {
      sqlite3_bind_int64(select, 1, 1 + number(rows_));
      timed([&] { db_.step(select); });
    }
    sqlite3_finalize(select);
  }
  template <typename Work>
  void timed(Work work) {
    const auto from = Clock::now();
    work();
    micros_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - from).count());
  }
  void print() {
    double all = 0;
    for (const double one : micros_) all += one;
    std::ranges::sort(micros_);
    const auto at = [&](double share) {
      return micros_[static_cast<size_t>(share * static_cast<double>(micros_.size() - 1))];
    };
    fmt::print(
        "{{\"count\": {}, \"per_second\": {:.1f}, \"p50_us\": {:.1f}, \"p99_us\": {:.1f}, "
        "\"max_us\": {:.0f}}}\n",
        micros_.size(), static_cast<double>(micros_.size()) * 1e6 / all, at(0.5), at(0.99), at(1));
  }

 private:
  int64_t number(int64_t below) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(std::max<int64_t>(below, 1)));
  }

  Connection& db_;
  const int64_t count_;
  const int64_t rows_;
  std::mt19937_64 random_{7};
  std::array<char, 600> text_{};
  std::vector<double> micros_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "usage: sql_load DATABASE JOURNAL SYNC WORKLOAD COUNT\n");
    return 2;
  }
  const std::string workload = argv[4];
  Connection db(argv[1]);
  db.run(fmt::format("PRAGMA journal_mode = {}", argv[2]));
  db.run(fmt::format("PRAGMA synchronous = {}", argv[3]));
  db.run("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, k INT, v TEXT)");
  const int64_t count = std::atoll(argv[5]);
  Load load(db, count);
  if (workload == "fill") {
    db.run("BEGIN");
    load.inserts(400);
    db.run("COMMIT");
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    return 0;
  }
  if (workload == "insert") load.inserts(100);
  if (workload == "update") load.updates();
  if (workload == "select") load.selects();
  if (workload == "bulk") {
    Load rows(db, count);
    load.timed([&] {
      db.run("BEGIN");
      rows.inserts(400);
      db.run("COMMIT");
    });
  }
  if (workload == "index") load.timed([&] { db.run("CREATE INDEX tk ON t (k, v)"); });
  if (workload == "vacuum") load.timed([&] { db.run("VACUUM"); });
  load.print();
  return 0;
}
