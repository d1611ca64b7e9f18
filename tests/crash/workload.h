// What the crash matrix runs: statements of real SQLite through the captured VFS, between them what
// the daemon does to a database on its own. Deterministic, so that the database's content after
// each step is known from one undisturbed run.
#pragma once

#include <string>
#include <vector>

namespace skerry::test {

struct Mode {
  const char* name;
  const char* pragmas;
};

// How a database is used throughout a run.
[[nodiscard]] const std::vector<Mode>& modes();

enum class Act {
  kSql,        // one transaction, or none
  kSync,       // Database::sync_state
  kRoll,       // the log goes on in a new segment
  kRetention,  // merges and removes what is a day old
  kReopen,     // the node ends in order and starts again
  kDie,        // the node ends without order and starts again
  kPowerCut,   // the machine ends, with nothing lost, and starts again
  kReadImage,  // a peer's snapshot
  kDrop,       // the database file is removed
};

struct Step {
  Act act = Act::kSql;
  std::string sql;
};

[[nodiscard]] const std::vector<Step>& steps();

}  // namespace skerry::test
