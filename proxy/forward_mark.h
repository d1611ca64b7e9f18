// Skerry-Forwarded, the header that a request carries from proxy to proxy: how many it came
// through, from whom, and, with a cluster secret, a proof that it was one of ours (PROTOCOL.md).
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace skerry::proxy {

struct ForwardMark {
  unsigned hops = 0;  // believed without a proof: a lie only gets the liar refused
  std::string_view from;
  bool proven = false;  // its X-Forwarded-* fields stand
};

[[nodiscard]] std::string make_mark(unsigned hops, std::string_view from, std::string_view method,
                                    std::string_view target, std::string_view secret);

// Nothing if it is malformed.
[[nodiscard]] std::optional<ForwardMark> parse_mark(std::string_view text, std::string_view method,
                                                    std::string_view target,
                                                    std::string_view secret);

}  // namespace skerry::proxy
