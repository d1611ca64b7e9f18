#include "daemon/log/redact.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace skerry::log {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

bool names_a_secret(std::string_view parameter) {
  constexpr std::array<std::string_view, 6> kWords = {"token", "secret", "password",
                                                      "auth",  "key",    "sig"};
  const std::string name = lower(parameter);
  return std::ranges::any_of(kWords, [&](auto word) { return name.contains(word); });
}

// "user:password" keeps its user unless a stray '/' says that this is no plain user part.
std::string redact_user(std::string_view user_part) {
  const size_t colon = user_part.find(':');
  if (colon == std::string_view::npos || user_part.find('/') < colon) return std::string(kRedacted);
  return std::string(user_part.substr(0, colon + 1)) + std::string(kRedacted);
}

std::string redact_query(std::string_view rest) {
  const size_t question = rest.find('?');
  if (question == std::string_view::npos) return std::string(rest);
  std::string out(rest.substr(0, question + 1));
  rest.remove_prefix(question + 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view parameter = rest.substr(0, end);
    const size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && names_a_secret(parameter.substr(0, equals))) {
      out += parameter.substr(0, equals + 1);
      out += kRedacted;
    } else {
      out += parameter;
    }
    if (end < rest.size()) out += '&';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace

std::string redact_url(std::string_view url) {
  const size_t scheme_end = url.find("://");
  const size_t start = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  const size_t at = url.rfind('@');
  std::string out(url.substr(0, start));
  if (at == std::string_view::npos || at < start) return out + redact_query(url.substr(start));
  out += redact_user(url.substr(start, at - start));
  return out + redact_query(url.substr(at));
}

}  // namespace skerry::log
