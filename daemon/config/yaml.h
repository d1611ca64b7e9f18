// A YAML document as a plain tree. Only yaml.cc knows the library that reads it; whatever that
// throws ends there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ltx/base/result.h"

namespace skerry::config::yaml {

// Anchors let a small file stand for a huge tree, nesting lets it exhaust the stack.
inline constexpr size_t kNodesMax = 10'000;
inline constexpr size_t kDepthMax = 16;

struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;      // a scalar in quotation marks is text, whatever it looks like
  uint32_t line = 0;        // from 1
  uint32_t key_line = 0;    // of the key, in a map's items
  std::string key;          // in a map's items
  std::string text;         // of a scalar
  std::vector<Node> items;  // of a sequence or a map, in the order of the file

  [[nodiscard]] bool is(Kind k) const { return kind == k; }
};

// What went wrong and where; `line` counts from 1, 0 if unknown.
struct SyntaxError {
  uint32_t line = 0;
  std::string message;
};

// The first document of `text`; a null node if there is none. Repeated keys are kept: it is for
// the caller, who knows what they mean, to refuse them.
[[nodiscard]] std::expected<Node, SyntaxError> parse(const std::string& text);

}  // namespace skerry::config::yaml
