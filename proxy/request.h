// What a request asks for, as far as routing is concerned. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/forward_mark.h"
#include "proxy/health.h"
#include "proxy/http/head.h"
#include "proxy/route.h"
#include "proxy/settings.h"

namespace skerry::proxy {

// Read-Consistency: session (the default), any, primary, bounded=<duration>.
struct Wish {
  enum class What : uint8_t { kSession, kAny, kPrimary, kBounded };
  What what = What::kSession;
  Ms bound{0};
};

struct Request {
  bool passthrough = false;
  bool replayable = false;  // GET or HEAD: if it fails for writing here, it may go to the primary
  bool idempotent = false;  // a safe method
  Kind kind = Kind::kRead;
  HealthPath health = HealthPath::kNone;
  Wish wish;
  std::string_view token_text;  // as sent
  std::optional<Token> token;
  ForwardMark mark;           // of hops 0 if it comes from a client
  bool edge_replays = false;  // Fly's edge is in front and may replay it
};

[[nodiscard]] Request read_request(const RequestHead& head, const Settings& settings);

// Nothing for what is none.
[[nodiscard]] std::optional<Wish> parse_wish(std::string_view text);

}  // namespace skerry::proxy
