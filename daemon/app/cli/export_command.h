// skerry export: copies a database out of the cluster.
#pragma once

#include <string>

#include "daemon/app/cli/flag_set.h"
#include "daemon/app/cli/url_flag.h"

namespace skerry::app {

struct ExportCommand {
  static constexpr Usage kUsage = {"export", "[flags] -name DB PATH",
                                   "copy a database out of the cluster",
                                   "Writes the current content of the database DB to PATH, which "
                                   "is replaced only once the copy\n"
                                   "is complete."};

  std::string url{kDefaultUrl};
  std::string name;  // of the database
  std::string path;  // of the file
};

void declare(FlagSet& flags, ExportCommand& command);
[[nodiscard]] Status check(const ExportCommand& command);

// Talks to the node at `url` and returns the exit code.
[[nodiscard]] int execute(const ExportCommand& command);

}  // namespace skerry::app
