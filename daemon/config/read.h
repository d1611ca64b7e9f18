// From the file's tree to a Config: which keys there are, each once, each with a value of its kind.
// Whether the values make sense together is validate.h's question.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/config/keys.h"
#include "daemon/config/problems.h"
#include "daemon/config/yaml.h"

namespace skerry::config {

struct Document {
  Config config;
  std::vector<uint32_t> lines;  // of each key in keys(): where it is set, 0 where it is not

  [[nodiscard]] uint32_t line_of(std::string_view path) const;
};

// Unknown keys (with a guess at what was meant), repeated keys, wrong values and missing ones are
// errors in `problems`.
[[nodiscard]] Document read_document(const yaml::Node& root, Problems& problems);

}  // namespace skerry::config
