// Who is at the other end of a connection from this machine to itself.
#pragma once

#include <optional>
#include <string_view>

#include "ltx/base/result.h"

namespace skerry::net {

// "127.0.0.1:80", "::1:80", "::ffff:127.0.0.1:80" and the like: address, colon, port.
[[nodiscard]] bool is_loopback(std::string_view peer);

// The user whose socket has that port on a loopback address, out of the text of /proc/net/tcp or
// tcp6 (proc(5)). Nothing if there is none; −1 (as unsigned) if there are several users.
[[nodiscard]] std::optional<uint32_t> user_of_port(std::string_view table, uint16_t port);

// Whether the peer's process runs as root or as this process's user. Reads /proc/net.
[[nodiscard]] bool is_own_user(std::string_view peer);

}  // namespace skerry::net
