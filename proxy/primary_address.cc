#include "proxy/primary_address.h"

#include <fmt/format.h>

#include <string>

namespace skerry::proxy {
namespace {

constexpr uint16_t kHttpPort = 80;

std::string with_hostname(std::string_view url, std::string_view hostname) {
  std::string text(url);
  const size_t at = text.find(kHostnamePlaceholder);
  if (at != std::string::npos) text.replace(at, kHostnamePlaceholder.size(), hostname);
  return text;
}

}  // namespace

std::optional<config::Address> address_of_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  authority = authority.substr(authority.rfind('@') + 1);  // npos + 1 is 0
  if (authority.empty()) return std::nullopt;
  const size_t bracket = authority.rfind(']');
  const bool has_port = authority.find(':', bracket == std::string_view::npos ? 0 : bracket) !=
                        std::string_view::npos;
  auto address = config::parse_address(has_port ? std::string(authority)
                                                : fmt::format("{}:{}", authority, kHttpPort));
  if (!address || address->host.empty() || address->port == 0) return std::nullopt;
  return address;
}

std::optional<config::Address> primary_proxy(const NodeState& state, std::string_view forward_url,
                                             uint16_t own_port) {
  if (!state.primary_known) return std::nullopt;
  if (!forward_url.empty()) {
    return address_of_url(with_hostname(forward_url, state.primary_hostname));
  }
  if (!state.primary_proxy_url.empty()) return address_of_url(state.primary_proxy_url);
  if (state.primary_api_host.empty()) return std::nullopt;
  return config::Address{state.primary_api_host, own_port};
}

Status check_forward_url(std::string_view url) {
  if (url.empty() || address_of_url(with_hostname(url, "host"))) return {};
  return fail(Errc::kInvalid,
              fmt::format("proxy.forward-url is \"{}\"; write the URL of the primary's proxy, such "
                          "as http://primary.internal:8080, with {} where its host name goes if "
                          "that changes",
                          url, kHostnamePlaceholder));
}

}  // namespace skerry::proxy
