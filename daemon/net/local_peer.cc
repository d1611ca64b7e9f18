#include "daemon/net/local_peer.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

namespace skerry::net {
namespace {

constexpr uint32_t kSeveral = ~0u;
// In the byte order of x86-64 and of arm64: 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104.
bool is_loopback_hex(std::string_view address) {
  if (address.size() == 8) return address.ends_with("7F");
  if (address == "00000000000000000000000001000000") return true;
  return address.starts_with("0000000000000000FFFF0000") && address.ends_with("7F");
}

template <typename Number>
std::optional<Number> number(std::string_view text, int base) {
  Number value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

// sl, local address, remote address, state, queues, timer, retransmissions, user
std::optional<uint32_t> user_of_line(std::string_view line, uint16_t port) {
  std::array<std::string_view, 8> words;
  for (std::string_view& word : words) word = take_word(line);
  const size_t colon = words[1].find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  if (number<uint16_t>(words[1].substr(colon + 1), 16) != port) return std::nullopt;
  if (!is_loopback_hex(words[1].substr(0, colon))) return std::nullopt;
  return number<uint32_t>(words[7], 10);
}

}  // namespace

bool is_loopback(std::string_view peer) {
  const std::string_view host = peer.substr(0, peer.rfind(':'));
  return host.starts_with("127.") || host == "::1" || host.starts_with("::ffff:127.");
}

std::optional<uint32_t> user_of_port(std::string_view table, uint16_t port) {
  std::optional<uint32_t> user;
  while (!table.empty()) {
    const size_t end = std::min(table.find('\n'), table.size());
    const auto found = user_of_line(table.substr(0, end), port);
    table.remove_prefix(std::min(end + 1, table.size()));
    if (!found) continue;
    if (user && *user != *found) return kSeveral;
    user = found;
  }
  return user;
}

bool is_own_user(std::string_view peer) {
  const size_t colon = peer.rfind(':');
  const auto port = colon == std::string_view::npos
                        ? std::nullopt
                        : number<uint16_t>(peer.substr(colon + 1), 10);
  if (!port) return false;
  std::ostringstream table;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(path);
    if (file) table << file.rdbuf();
  }
  const auto user = user_of_port(table.str(), *port);
  return user && (*user == 0 || *user == ::geteuid()) && *user != kSeveral;
}

}  // namespace skerry::net
