// Many threads of one process on one database, each with a connection of its own: half of them move
// money between accounts, the others watch that the sum stays. Prints what the writers were told.
//
//   many_threads DATABASE JOURNAL_MODE THREADS SECONDS
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kAccounts = 100, kStart = 1000, kBusyMs = 60000, kThreadsMax = 64 };

static const char* path;
static const char* mode;
static atomic_long commits, reads, errors;
static atomic_int stop;

static void complain(sqlite3* db, const char* what) {
  atomic_fetch_add(&errors, 1);
  fprintf(stderr, "%s: %s (%d)\n", what, sqlite3_errmsg(db), sqlite3_extended_errcode(db));
}

static sqlite3* open_database(void) {
  sqlite3* db = NULL;
  if (sqlite3_open(path, &db) != SQLITE_OK) complain(db, "open");
  sqlite3_busy_timeout(db, kBusyMs);
  return db;
}

static int run(sqlite3* db, const char* sql) {
  return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static long long value(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = NULL;
  long long result = -1;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) complain(db, sql);
  if (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
    result = sqlite3_column_int64(statement, 0);
  }
  if (sqlite3_finalize(statement) != SQLITE_OK) complain(db, sql);
  return result;
}

// SQLite does not wait for others here, whatever the busy timeout: two processes that change a new
// database's mode at once would wait for each other.
static void enter_mode(sqlite3* db) {
  char sql[100];
  snprintf(sql, sizeof sql, "pragma journal_mode=%s", mode);
  for (int waited_ms = 0; run(db, sql) != SQLITE_OK; waited_ms += 5) {
    if (sqlite3_errcode(db) != SQLITE_BUSY || waited_ms > kBusyMs) {
      complain(db, sql);
      return;
    }
    sqlite3_sleep(5);
  }
}

static void* move_money(void* seed) {
  unsigned random = (unsigned)(size_t)seed;
  sqlite3* db = open_database();
  enter_mode(db);  // but for WAL, a matter of each connection
  while (!stop) {
    char sql[400];
    const int from = rand_r(&random) % kAccounts, to = rand_r(&random) % kAccounts;
    const int amount = rand_r(&random) % 50;
    snprintf(sql, sizeof sql,
             "begin immediate;"
             "update account set amount = amount - %d where id = %d;"
             "insert into log(text) values(hex(randomblob(%d)));"
             "update account set amount = amount + %d where id = %d;"
             "%s",
             amount, from, rand_r(&random) % 300, amount, to,
             rand_r(&random) % 8 == 0 ? "rollback" : "commit");
    if (run(db, sql) != SQLITE_OK) {
      complain(db, "write");
      if (!sqlite3_get_autocommit(db)) run(db, "rollback");
    } else if (strstr(sql, "commit") != NULL) {
      atomic_fetch_add(&commits, 1);
    }
  }
  sqlite3_close(db);
  return NULL;
}

static void* watch(void* unused) {
  (void)unused;
  sqlite3* db = open_database();
  for (long n = 1; !stop; ++n) {
    if (run(db, "begin") != SQLITE_OK) complain(db, "begin");
    const long long first = value(db, "select sum(amount) from account");
    const long long rows = value(db, "select count(*) from log");
    const long long second = value(db, "select sum(amount) from account");
    if (run(db, "commit") != SQLITE_OK) complain(db, "commit");
    if (first != kAccounts * kStart || second != first || rows < 0) {
      atomic_fetch_add(&errors, 1);
      fprintf(stderr, "sums %lld and %lld in one transaction\n", first, second);
    }
    atomic_fetch_add(&reads, 1);
    if (n % 100 == 0) {
      sqlite3_close(db);
      db = open_database();
    }
  }
  sqlite3_close(db);
  return NULL;
}

static void create(void) {
  char sql[500];
  sqlite3* db = open_database();
  enter_mode(db);
  snprintf(sql, sizeof sql,
           "begin immediate;"
           "create table if not exists account(id integer primary key, amount);"
           "create table if not exists log(id integer primary key, text);"
           "with recursive n(i) as (select 0 union all select i + 1 from n where i < %d) "
           "insert or ignore into account select i, %d from n;"
           "commit",
           kAccounts - 1, kStart);
  if (run(db, sql) != SQLITE_OK) complain(db, "create");
  sqlite3_close(db);
}

int main(int argc, char** argv) {
  if (argc != 5 || atoi(argv[3]) > kThreadsMax) return 2;
  path = argv[1];
  mode = argv[2];
  const int threads = atoi(argv[3]);
  create();
  pthread_t all[kThreadsMax];
  for (int i = 0; i < threads; ++i) {
    pthread_create(&all[i], NULL, i % 2 == 0 ? move_money : watch, (void*)(size_t)(i + 1));
  }
  struct timespec duration = {atoi(argv[4]), 0};
  nanosleep(&duration, NULL);
  stop = 1;
  for (int i = 0; i < threads; ++i) pthread_join(all[i], NULL);
  printf("%ld %ld %ld\n", (long)commits, (long)reads, (long)errors);
  return errors == 0 ? 0 : 1;
}
