// skerry orphans …: what this node had and the primary did not, kept in the data folder. No node
// need run.
#pragma once

#include <string>

#include "daemon/app/cli/data_flags.h"
#include "daemon/app/cli/flag_set.h"

namespace skerry::app {

struct OrphansListCommand {
  static constexpr Usage kUsage = {
      "orphans list", "[flags]", "list transactions that the primary did not have",
      "Lists what was kept of this node's databases when a primary with another history took over:\n"
      "each with its name, where the histories part, and how many transactions it holds."};
  DataFlags data;
  bool json = false;
};

struct OrphansShowCommand {
  static constexpr Usage kUsage = {
      "orphans show", "[flags] ORPHAN", "show in which tables an orphan's rows differ",
      "Counts, for each table, the rows that the lost transactions inserted, changed and deleted.\n"
      "With -present it counts what the database here has not of them by now, and what else differs."};
  DataFlags data;
  std::string id;
  bool present = false;
  std::string against;
  bool json = false;
};

struct OrphansDiffCommand {
  static constexpr Usage kUsage = {
      "orphans diff", "[flags] ORPHAN", "print the rows in which an orphan differs",
      "Prints, as SQL, what the lost transactions did, and as comments what was there before them.\n"
      "With -present it prints what would bring their rows into the database here, and as comments\n"
      "what that has in their place. Read it before you run it: rows were perhaps changed on\n"
      "purpose since."};
  DataFlags data;
  std::string id;
  bool present = false;
  std::string against;
  bool json = false;
};

struct OrphansExportCommand {
  static constexpr Usage kUsage = {
      "orphans export", "[flags] ORPHAN PATH", "write an orphan's database to a file",
      "Writes the database as it stood with the transactions that were lost, to a file that does\n"
      "not exist yet and that SQLite opens."};
  DataFlags data;
  std::string id;
  std::string path;
};

struct OrphansDropCommand {
  static constexpr Usage kUsage = {"orphans drop", "[flags] -yes ORPHAN", "remove an orphan",
                                   "Removes the transactions for good. There is no way back."};
  DataFlags data;
  std::string id;
  bool yes = false;
};

void declare(FlagSet& flags, OrphansListCommand& command);
void declare(FlagSet& flags, OrphansShowCommand& command);
void declare(FlagSet& flags, OrphansDiffCommand& command);
void declare(FlagSet& flags, OrphansExportCommand& command);
void declare(FlagSet& flags, OrphansDropCommand& command);

[[nodiscard]] inline Status check(const OrphansListCommand&) { return {}; }
[[nodiscard]] inline Status check(const OrphansShowCommand&) { return {}; }
[[nodiscard]] inline Status check(const OrphansDiffCommand&) { return {}; }
[[nodiscard]] inline Status check(const OrphansExportCommand&) { return {}; }
[[nodiscard]] Status check(const OrphansDropCommand& command);

[[nodiscard]] int execute(const OrphansListCommand& command);
[[nodiscard]] int execute(const OrphansShowCommand& command);
[[nodiscard]] int execute(const OrphansDiffCommand& command);
[[nodiscard]] int execute(const OrphansExportCommand& command);
[[nodiscard]] int execute(const OrphansDropCommand& command);

}  // namespace skerry::app
