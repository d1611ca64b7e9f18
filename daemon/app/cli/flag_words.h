// Brings arguments in the style of Go's flag package into one form, so that command lines written
// for LiteFS mean the same here:
//
//   -x  --x  -x=v  --x=v  -x v  --x v        "-x true" does not set a boolean flag, "-x=true" does
//
// Unlike Go, flags may also stand after operands. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ltx/base/result.h"

namespace skerry::app {

enum class FlagKind { kBoolean, kText };

struct KnownFlag {
  std::string_view name;
  FlagKind kind;
};

struct Flag {
  std::string name;                  // without dashes
  std::optional<std::string> value;  // a boolean's may be absent
  friend bool operator==(const Flag&, const Flag&) = default;
};

struct FlagWords {
  std::vector<Flag> flags;
  std::vector<std::string> operands;
  std::optional<std::vector<std::string>> after_dashes;  // what follows "--", if that is there
};

// kInvalid: a flag that is not among `known`, or one whose value is missing; the message says what
// to write.
[[nodiscard]] Result<FlagWords> split_flags(const std::vector<std::string>& args,
                                            std::span<const KnownFlag> known);

}  // namespace skerry::app
