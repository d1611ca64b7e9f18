// Who could take the primary's place, and who should, from what the primary knows. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lease/lease_data.h"

namespace skerry::cluster {

struct Candidate {
  lease::Peer peer;
  std::string region;  // empty: not known
  NodeId node;
  bool is_self = false;
  bool candidate = false;  // by its configuration
  bool connected = false;  // it follows this primary's stream
  uint64_t behind = 0;     // transactions that it has not confirmed, over all databases
};

// Nothing: it can.
[[nodiscard]] std::optional<std::string> why_not(const Candidate& candidate);

// `to`: a node's name or id (16 hexadecimal digits), or a region; empty: anybody. Of several, the
// one with the least to catch up with. kNotFound: there is no such node or region; kUnavailable:
// there is, but it cannot; kBusy: it could, if it followed the stream. All say why, node by node.
[[nodiscard]] Result<Candidate> choose(const std::vector<Candidate>& candidates,
                                       const std::string& to);

}  // namespace skerry::cluster
