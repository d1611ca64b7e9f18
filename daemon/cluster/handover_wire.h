// What the old primary and its successor say to each other in a planned change, as values and as
// JSON (lease/PROTOCOL.md).
#pragma once

#include <map>
#include <string>

#include "lease/lease_data.h"

namespace skerry::cluster {

inline constexpr std::string_view kHandoverPath = "/skerry/handover";
inline constexpr std::string_view kGrantedPath = "/skerry/granted";
inline constexpr size_t kHandoverBytesMax = 4 << 20;  // some 10,000 databases

using Positions = std::map<std::string, Position>;

// POST /skerry/handover: do you have this, and can you take over?
struct HandoverRequest {
  enum class Kind : uint8_t {
    kPrepare,  // … at least this, and be ready to take the lease soon
    kProve,    // … exactly this, on your disk
  };
  Kind kind = Kind::kPrepare;
  lease::Peer from;
  Epoch epoch;
  std::string cluster;
  lease::Duration wait{0};  // for it to become so
  Positions positions;
};

// POST /skerry/granted: the lease may be taken at these indices; answered when it is, or not.
struct GrantRequest {
  lease::Peer from;
  Epoch epoch;
  uint64_t key_index = 0;
  uint64_t record_index = 0;
  lease::Duration wait{0};  // for it to be taken
};

// The answer to both.
struct HandoverAnswer {
  bool ok = false;
  std::string why{};  // if not
};

[[nodiscard]] std::string encode(const HandoverRequest& request);
[[nodiscard]] Result<HandoverRequest> decode_handover(std::string_view text);
[[nodiscard]] std::string encode(const GrantRequest& request);
[[nodiscard]] Result<GrantRequest> decode_grant(std::string_view text);
[[nodiscard]] std::string encode(const HandoverAnswer& answer);
[[nodiscard]] Result<HandoverAnswer> decode_answer(std::string_view text);

}  // namespace skerry::cluster
