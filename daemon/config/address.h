// "host:port" as LiteFS writes addresses; the host may be empty (all of them) or "[…]" for IPv6.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::config {

struct Address {
  std::string host;   // without brackets; empty: every address of this machine
  uint16_t port = 0;  // 0: the operating system chooses
  friend bool operator==(const Address&, const Address&) = default;
};

[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

}  // namespace skerry::config
