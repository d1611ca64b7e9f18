// Whether the settings make sense together, and whether this build honours them.
#pragma once

#include "daemon/config/problems.h"
#include "daemon/config/read.h"
#include "ltx/base/result.h"

namespace skerry::config {

// Contradictions and missing counterparts are errors; keys that are set but have no effect in this
// build are warnings. Looks at nothing but the document and the current folder's name.
void validate(const Document& document, Problems& problems);

// kUnsupported if a setting is one without which the node could not do its work, and this build
// does not have it.
[[nodiscard]] Status check_supported(const Config& config);

}  // namespace skerry::config
