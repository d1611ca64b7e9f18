// One node with one database, as the crash matrix drives it. Runs in a process of its own.
#pragma once

#include <memory>
#include <string>

#include "daemon/os/posix_file_system.h"
#include "tests/crash/workload.h"
#include "tests/support/capture_fixture.h"
#include "tests/support/captured_vfs.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {

class CrashNode {
 public:
  // `boot` tells the machine's boots apart: another one than the last means a power cut. Outlives
  // the process that counts it.
  CrashNode(std::string folder, const Mode& mode, uint8_t& boot);

  // SQLITE_OK, or what SQLite said; of what the daemon does on its own, failure is no error.
  [[nodiscard]] int run(const Step& step);
  // A new connection, as after an error that the old one does not get over.
  void reconnect();

  // What the upkeep does on a full disk; returns the bytes of history that it removed.
  [[nodiscard]] uint64_t make_room();

  // The content of the database, as a connection sees it; "?" if it cannot be read.
  [[nodiscard]] std::string digest();
  // What is wrong with files, log and position; empty: nothing.
  [[nodiscard]] std::string inconsistency();

 private:
  void start();
  void stop_connection();
  [[nodiscard]] int run_sql(const std::string& sql);
  [[nodiscard]] int drop();
  void act(Act act);
  [[nodiscard]] std::string check_log(const db::Database& database);

  const std::string folder_;
  const Mode& mode_;
  os::PosixFileSystem fs_;
  os::SystemClock clock_;
  TestGate gate_;
  TestListener listener_;
  NoKernelCache cache_;
  uint8_t& boot_;
  std::unique_ptr<CapturedVfs> vfs_;
  std::unique_ptr<SqliteDb> db_;
};

}  // namespace skerry::test
