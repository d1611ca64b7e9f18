// What the crash matrix has a replica do: the transactions of a primary, images of it over others
// and over nothing, imports, checkpoints, drops.
#pragma once

#include <string>
#include <vector>

#include "tests/support/image_source.h"

namespace skerry::test {

// A primary's history, by transaction: [i] holds the one after i others.
struct PrimaryHistory {
  std::vector<Bytes> ltx;
  std::vector<ImageSource> states;  // after it; without pages where it drops the database

  // Writes it to `folder` by running real SQLite in this journal mode; an error, or nothing.
  [[nodiscard]] static std::string make(const std::string& folder, const std::string& mode);
  [[nodiscard]] static PrimaryHistory load(const std::string& folder);
};

enum class ApplyAct {
  kFollow,      // the next transaction
  kImage,       // the state after transaction `arg`, of the differences
  kImport,      // the state after transaction `arg`, into another database
  kCheckpoint,  // of both databases
  kReopen,      // the node ends without order and starts again
};

struct ApplyStep {
  ApplyAct act = ApplyAct::kFollow;
  size_t arg = 0;
};

[[nodiscard]] std::vector<ApplyStep> apply_steps(const PrimaryHistory& history);

// A replica in a folder. Runs in a process of its own.
class ApplyCrashNode {
 public:
  ApplyCrashNode(std::string folder, const PrimaryHistory& history, uint8_t boot);

  // Starts, trying again where a call fails.
  [[nodiscard]] Status start();
  [[nodiscard]] Status run(const ApplyStep& step);
  // Where the databases stand; "?" with what is wrong if files and position do not agree.
  [[nodiscard]] std::string digest();
  // What readers find wrong; empty: nothing.
  [[nodiscard]] std::string integrity();

 private:
  [[nodiscard]] Status follow();

  ReplicaNode node_;
  const PrimaryHistory& history_;
};

}  // namespace skerry::test
