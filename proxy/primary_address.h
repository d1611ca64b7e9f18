// Where the primary's proxy listens. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "daemon/config/address.h"
#include "ltx/base/result.h"
#include "proxy/node_view.h"

namespace skerry::proxy {

// In forward URLs: the primary's host name.
inline constexpr std::string_view kHostnamePlaceholder = "{hostname}";

// Configuration goes first, then what the primary says of itself, then the host of its advertised
// URL with this node's own proxy port. Nothing if no primary is known or none of it names a host.
[[nodiscard]] std::optional<config::Address> primary_proxy(const NodeState& state,
                                                           std::string_view forward_url,
                                                           uint16_t own_port);

// Host and port of "http://host[:port]/…"; nothing for other texts.
[[nodiscard]] std::optional<config::Address> address_of_url(std::string_view url);

// Nothing is fine, too.
[[nodiscard]] Status check_forward_url(std::string_view url);

}  // namespace skerry::proxy
