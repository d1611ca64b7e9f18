#include "daemon/log/redact.h"

#include <doctest/doctest.h>

namespace skerry::log {
namespace {

TEST_CASE("URLs lose their secrets and nothing else") {
  struct {
    const char* url;
    const char* expected;
  } const rows[] = {
      {"", ""},
      {"http://localhost:8500", "http://localhost:8500"},
      {"https://:token@consul.example/app-x/", "https://:REDACTED@consul.example/app-x/"},
      {"https://ann:secret@h/p?q=1#f", "https://ann:REDACTED@h/p?q=1#f"},
      {"https://token@h/p", "https://REDACTED@h/p"},
      {"ann:secret@h", "ann:REDACTED@h"},
      {"http://h/?token=abc&dc=ams", "http://h/?token=REDACTED&dc=ams"},
      {"http://h/?dc=ams&X-Amz-Signature=abc", "http://h/?dc=ams&X-Amz-Signature=REDACTED"},
      {"http://h/?auth_TOKEN=a&flag&", "http://h/?auth_TOKEN=REDACTED&flag&"},
      {"http://h/?", "http://h/?"},
      // Passwords that nobody escaped: the whole of them goes.
      {"http://ann:pa@ss@h/p", "http://ann:REDACTED@h/p"},
      {"http://ann:pa/ss@h/p", "http://ann:REDACTED@h/p"},
      {"http://pa/s:s@h/p", "http://REDACTED@h/p"},
      {"http://ann:p?token=x@h", "http://ann:REDACTED@h"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.url);
    CHECK(redact_url(row.url) == row.expected);
  }
}

}  // namespace
}  // namespace skerry::log
