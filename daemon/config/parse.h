// A configuration from text: variables put in, YAML read strictly, values checked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/config.h"
#include "daemon/config/environment.h"
#include "ltx/base/result.h"

namespace skerry::config {

struct Source {
  std::string name;         // for messages: the file's path
  bool expand = true;       // put environment variables in
  Environment environment;  // needed to expand
  std::string hostname;     // the operating system's
};

struct Parsed {
  Config config;                      // complete: resolve()d
  std::vector<std::string> warnings;  // "<name>:<line>: …", without secrets
};

// All that is wrong as one kInvalid, each error on a line of its own with its line number.
[[nodiscard]] Result<Parsed> parse(std::string_view text, const Source& source);

}  // namespace skerry::config
