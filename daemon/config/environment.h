// Environment variables, as far as a configuration file may name them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::config {

// The value of a variable, or nothing if it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The process's own. HOSTNAME, which shells set but rarely export, is answered with the operating
// system's host name where it is not set or empty. Not while another thread calls setenv().
[[nodiscard]] Environment process_environment();

// The operating system's host name; empty if it has none.
[[nodiscard]] std::string os_hostname();

}  // namespace skerry::config
