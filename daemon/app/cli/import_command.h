// skerry import: copies a SQLite file into the cluster.
#pragma once

#include <string>

#include "daemon/app/cli/flag_set.h"
#include "daemon/app/cli/url_flag.h"

namespace skerry::app {

struct ImportCommand {
  static constexpr Usage kUsage = {
      "import", "[flags] -name DB PATH", "copy a SQLite file into the cluster",
      "Makes the SQLite file PATH the content of the database DB, as one transaction. A database\n"
      "of that name is replaced."};

  std::string url{kDefaultUrl};
  std::string name;  // of the database
  std::string path;  // of the file
};

void declare(FlagSet& flags, ImportCommand& command);
[[nodiscard]] Status check(const ImportCommand& command);

// Talks to the node at `url` and returns the exit code.
[[nodiscard]] int execute(const ImportCommand& command);

}  // namespace skerry::app
