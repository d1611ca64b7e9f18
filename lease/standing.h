// How far a node's data have come, over all its databases, as one comparable value: what decides
// who may succeed. The epoch counts first: what an older primary wrote and nobody took over is not
// ahead of what its successor wrote.
#pragma once

#include <compare>
#include <string>

#include "ltx/base/types.h"

namespace skerry::lease {

struct Standing {
  Epoch epoch;                // of the newest transaction
  uint64_t transactions = 0;  // of all databases together

  [[nodiscard]] bool blank() const { return transactions == 0; }
  friend auto operator<=>(const Standing&, const Standing&) = default;
};

// "epoch 7, 120 transactions"
[[nodiscard]] std::string to_string(const Standing& standing);

}  // namespace skerry::lease
