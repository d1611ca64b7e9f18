// Takes secrets out of text that is about to be printed or logged.
#pragma once

#include <string>
#include <string_view>

namespace skerry::log {

inline constexpr std::string_view kRedacted = "REDACTED";

// The URL without what may be a secret: the password, a user name that stands alone (a token), and
// query parameters whose names speak of tokens, keys, secrets or passwords. Consul's URL on Fly
// holds the access token as its password. Anything is accepted; where a password holds characters
// that it should not (`@`, `/`), rather too much is taken out than too little.
[[nodiscard]] std::string redact_url(std::string_view url);

}  // namespace skerry::log
