// Sizes as the configuration file writes them: "1GB", "64 MiB", "1.5GB", or a plain number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::config {

// KB, MB, GB and TB are powers of 1000, KiB, MiB, GiB and TiB powers of 1024, B is one byte; case
// does not matter. A plain number counts `plain_unit` bytes. Nothing if the text is not of that
// form, does not come to whole bytes, or exceeds 2^63.
[[nodiscard]] std::optional<uint64_t> parse_size(std::string_view text, uint64_t plain_unit = 1);

// In the largest unit that divides it; parse_size() reads it back exactly: "1GB", "64MiB", "17B".
[[nodiscard]] std::string format_size(uint64_t bytes);

}  // namespace skerry::config
