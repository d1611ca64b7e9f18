// From a command's text to what is executed.
#pragma once

#include <string>
#include <vector>

#include "daemon/config/config.h"
#include "ltx/base/result.h"

namespace skerry::config {

// Fills `argv` from `cmd`: split into words, or as it is for /bin/sh -c where `shell` is set.
[[nodiscard]] Status complete(ExecCommand& command);

// A command given as words on the command line, after "--"; they are executed exactly as given.
[[nodiscard]] ExecCommand exec_of(std::vector<std::string> argv);

}  // namespace skerry::config
