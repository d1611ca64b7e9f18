// Base64 for URLs and cookies (RFC 4648 §5), without padding. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace skerry::proxy {

[[nodiscard]] std::string base64url_encode(std::string_view bytes);
// Strict: nothing for other characters, impossible lengths, or bits beyond the last byte.
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace skerry::proxy
