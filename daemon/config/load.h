// Finds the configuration file and reads it.
#pragma once

#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/config/parse.h"
#include "ltx/base/result.h"

namespace skerry::config {

struct LoadOptions {
  std::string path;  // empty: search
  bool expand = true;
  Environment environment = process_environment();
  std::string hostname = os_hostname();
  std::vector<std::string> places = search_places();

  // ./, the home folder and /etc, in each skerry.yml before litefs.yml; as absolute paths.
  [[nodiscard]] static std::vector<std::string> search_places();
};

struct Loaded {
  Config config;
  std::string path;  // the file that was read
  std::vector<std::string> warnings;
};

// Reads `path`, or the first of `places` that exists. Errors: kNotFound (lists where it looked),
// the operating system's, kInvalid (parse.h). Blocks on the disk.
[[nodiscard]] Result<Loaded> load(const LoadOptions& options);

}  // namespace skerry::config
