#include "daemon/app/cli/url_flag.h"

#include <fmt/format.h>

namespace skerry::app {

void declare_url(FlagSet& flags, std::string& url) {
  flags.text("url", url, "URL", "the node's API (default http://localhost:20202)");
}

Status check_url(const std::string& url) {
  if (url.starts_with("http://") || url.starts_with("https://")) return {};
  return fail(Errc::kInvalid, fmt::format("-url is \"{}\"; write it as http://HOST:PORT", url));
}

}  // namespace skerry::app
