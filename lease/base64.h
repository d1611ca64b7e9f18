// Base64 with padding (RFC 4648 §4), as Consul's API carries values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace skerry::lease {

[[nodiscard]] std::string base64_encode(std::string_view data);
// Nothing if the text is not base64.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace skerry::lease
