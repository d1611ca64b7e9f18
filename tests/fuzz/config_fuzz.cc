// Any text is either refused with a message or read; and what is read, printed and read again is
// the same configuration. The first byte decides whether variables are put in.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/config/parse.h"
#include "daemon/config/print.h"
#include "daemon/log/redact.h"
#include "ltx/base/invariant.h"

namespace skerry::config {
namespace {

std::optional<std::string> variable(std::string_view name) {
  if (name == "A") return "static";
  if (name == "B") return "x: {y: [z]}";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

// What print() takes out cannot come back.
Config without_secrets(Config config) {
  config.lease.consul.url = log::redact_url(config.lease.consul.url);
  config.backup.url = log::redact_url(config.backup.url);
  if (!config.proxy.secret.empty()) config.proxy.secret = log::kRedacted;
  if (!config.backup.auth_token.empty()) config.backup.auth_token = log::kRedacted;
  return config;
}

void check(std::string_view text, bool expand) {
  Source source{.name = "f", .expand = expand, .environment = variable, .hostname = "box"};
  const auto first = parse(text, source);
  if (!first) {
    INVARIANT(!first.error().message().empty());
    return;
  }
  source.expand = true;
  const auto second = parse(print(first->config), source);
  INVARIANT(second.has_value());
  INVARIANT(without_secrets(second->config) == without_secrets(first->config));
}

}  // namespace
}  // namespace skerry::config

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  skerry::config::check(text, (data[0] & 1) == 0);
  return 0;
}
