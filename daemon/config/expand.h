// Puts environment variables into the text of a configuration file before YAML sees it, as LiteFS
// does:
//
//   $NAME  ${NAME}                        the variable's value; nothing if it is not set
//   ${NAME == "text"}  ${NAME != 'text'}  true or false
//   ${NAME == OTHER}   ${NAME != OTHER}   two variables compared; not set counts as empty
//   $$                                    a dollar sign (LiteFS has no way to write one)
//
// A '$' before anything else stays as it is; before a digit or one of *#@!?- it is a variable that
// cannot exist, hence nothing, with a warning. Lines that are comments as a whole ('#' first) are
// left alone, so that they may speak of ${…} freely; comments after a value are not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/config/environment.h"
#include "daemon/config/problems.h"
#include "ltx/base/result.h"

namespace skerry::config {

// Of the file and of what it expands to.
inline constexpr size_t kConfigBytesMax = 1 << 20;

// Errors: an unterminated or malformed ${…}, with its line. Warnings: a variable that is not set,
// two compared variables of which neither is set (which LiteFS calls equal, so that off Fly
// ${FLY_REGION == PRIMARY_REGION} makes every node a candidate).
[[nodiscard]] std::string expand(std::string_view text, const Environment& environment,
                                 Problems& problems);

}  // namespace skerry::config
