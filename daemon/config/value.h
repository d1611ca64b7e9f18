// One key's value: from the file's tree into the configuration, and back to text.
#pragma once

#include <string>

#include "daemon/config/keys.h"
#include "daemon/config/problems.h"
#include "daemon/config/yaml.h"

namespace skerry::config {

// Stores the value of `key`. What cannot be one is an error that names the key, the value (unless
// it is a secret) and what may be written; the default stays. So it does, with a warning, where no
// value is written at all.
void assign(const Key& key, const yaml::Node& node, Config& config, Problems& problems);

// A scalar as the file would write it, without quotation marks; secrets are redacted. Empty for
// lists.
[[nodiscard]] std::string scalar_text(const Key& key, const Config& config);

}  // namespace skerry::config
