// Reads the key `exec`: one command as text, or a list of entries.
#pragma once

#include <vector>

#include "daemon/config/config.h"
#include "daemon/config/problems.h"
#include "daemon/config/yaml.h"

namespace skerry::config {

// Replaces `commands` unless something is wrong; then `problems` says what.
void read_exec(const yaml::Node& node, std::vector<ExecCommand>& commands, Problems& problems);

}  // namespace skerry::config
