// What nodes ask each other about the lease, as values (PROTOCOL.md).
#pragma once

#include "lease/consul_wire.h"

namespace skerry::lease {

inline constexpr std::string_view kPositionPath = "/skerry/position";
inline constexpr std::string_view kPromisePath = "/skerry/promise";

[[nodiscard]] std::string encode_report(const PeerReport& report);
[[nodiscard]] Result<PeerReport> decode_report(std::string_view text);

[[nodiscard]] std::string encode_promise_request(const PromiseRequest& request);
[[nodiscard]] Result<PromiseRequest> decode_promise_request(std::string_view text);

[[nodiscard]] std::string encode_promise(bool promised);
[[nodiscard]] bool decode_promise(std::string_view text);

}  // namespace skerry::lease
