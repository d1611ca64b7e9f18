#include "daemon/config/print.h"

#include <doctest/doctest.h>

#include "tests/unit/config/support.h"

namespace skerry::config {
namespace {

constexpr const char* kEverything = R"(
fuse: {dir: '/mnt/"q" $$1\', allow-other: true}
data: {dir: "/d\tä\n", retention: 1m30s, retention-bytes: 1.5GB}
exec:
  - {cmd: 'a "b c" $$HOME', if-candidate: true, if-primary: true}
  - {cmd: a && b, shell: true}
exit-on-error: false
http: {addr: '[::1]:1'}
proxy: {passthrough: ['*.ico', "x: # y"], max-lag: 1500us}
lease:
  type: consul
  hostname: ""
  consul: {url: 'http://c:8500/p', key: k, ttl: 20s}
backup: {type: file, path: /b}
log: {format: json}
tracing: {max-size: 10, max-count: 1}
)";

TEST_CASE("what is printed reads back as the same configuration") {
  for (const std::string_view text : {std::string_view(kEverything), kLeast}) {
    const auto first = parse_with(text);
    if (!first) FAIL(first.error().message());
    const std::string printed = print(first->config);
    CAPTURE(printed);
    const auto second = parse_with(printed);
    if (!second) FAIL(second.error().message());
    CHECK(second->config == first->config);
  }
}

TEST_CASE("sections, defaults and lists look like a configuration file") {
  const std::string printed = print(parse_with(kEverything)->config);
  CHECK(
      printed.contains("\nexec:\n  - cmd: \"a \\\"b c\\\" $$HOME\"\n    if-candidate: true\n    if-primary: true\n"
                       "  - cmd: \"a && b\"\n    shell: true\nexit-on-error: false\n"));
  CHECK(
      printed.contains("  consul:\n    url: \"http://c:8500/p\"\n    key: \"k\"\n    ttl: 20s\n"
                       "    lock-delay: 1s  # default\nbackup:\n"));
  CHECK(printed.contains("  always-forward: []  # default\n"));
  CHECK(printed.contains("lease:\n  type: \"consul\"\n"));
}

TEST_CASE("secrets are not printed") {
  Config config;
  config.lease.consul.url = "https://user:hunter2@consul/path";
  config.backup.auth_token = "hunter2";
  config.backup.url = "https://hunter2@cloud";
  const std::string printed = print(config);
  CHECK_FALSE(printed.contains("hunter2"));
  CHECK(printed.contains("url: \"https://user:REDACTED@consul/path\"\n"));
  CHECK(printed.contains("auth-token: \"REDACTED\"\n"));
}

}  // namespace
}  // namespace skerry::config
