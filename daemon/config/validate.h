// Whether the settings make sense together, and whether this build honours them.
#pragma once

#include "daemon/config/problems.h"
#include "daemon/config/read.h"

namespace skerry::config {

// Contradictions and missing counterparts are errors; keys that are set but have no effect in this
// build are warnings. Looks at nothing but the document and the current folder's name.
void validate(const Document& document, Problems& problems);

}  // namespace skerry::config
