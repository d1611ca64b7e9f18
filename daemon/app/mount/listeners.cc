#include "daemon/app/mount/listeners.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "daemon/config/address.h"
#include "daemon/keeper/protocol.h"

namespace skerry::app {
namespace {

constexpr int kBacklog = 1024;

Result<os::Fd> bind_to(const addrinfo& address) {
  os::Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno(errno, "socket");
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);  // 6PN and IPv4 on one
  }
  if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) return fail_errno(errno, "bind");
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno(errno, "listen");
  return fd;
}

// ":20202" means every address, of both families where the machine has IPv6.
Result<os::Fd> listen_on(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* raw = nullptr;
  const char* node = host.empty() ? nullptr : host.c_str();
  const int code = ::getaddrinfo(node, std::to_string(port).c_str(), &hints, &raw);
  if (code != 0) return fail(Errc::kInvalid, ::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(raw, &::freeaddrinfo);
  Result<os::Fd> result = fail(Errc::kInvalid, "no address");
  for (const int family : {AF_INET6, AF_INET}) {
    for (const addrinfo* a = found.get(); a != nullptr; a = a->ai_next) {
      if (a->ai_family != family || (node != nullptr && a != found.get())) continue;
      result = bind_to(*a);
      if (result || result.error().os_errno() == EADDRINUSE) return result;
    }
  }
  if (node != nullptr && !result) return bind_to(*found);
  return result;
}

Status add(Listeners& listeners, const std::string& purpose, const std::string& address) {
  const auto parsed = config::parse_address(address);
  if (!parsed) return fail(Errc::kInvalid, fmt::format("{}.addr {}: no address", purpose, address));
  auto fd = listen_on(parsed->host, parsed->port);
  if (!fd) {
    const bool taken = fd.error().os_errno() == EADDRINUSE;
    return std::unexpected(fd.error().within(fmt::format(
        "{}.addr {}{}", purpose, address,
        taken ? ": another process listens there; stop it or choose another port" : "")));
  }
  listeners.emplace(purpose, std::move(*fd));
  return {};
}

}  // namespace

Result<Listeners> listen(const config::Config& config) {
  Listeners listeners;
  TRY(add(listeners, "http", config.http.addr));
  if (!config.proxy.target.empty()) TRY(add(listeners, "proxy", config.proxy.addr));
  return listeners;
}

std::string describe(const Listeners& listeners) {
  std::string text;
  int fd = keeper::kFirstListenFd;
  for (const auto& [purpose, unused] : listeners) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", purpose, fd++);
  }
  return text;
}

std::map<std::string, int> inherited_listeners() {
  std::map<std::string, int> found;
  const char* text = std::getenv(keeper::kListenVariable);
  for (std::string_view rest = text != nullptr ? text : ""; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view item = rest.substr(0, comma);
    const size_t equals = item.find('=');
    if (equals != std::string_view::npos) {
      found.emplace(item.substr(0, equals),
                    std::atoi(std::string(item.substr(equals + 1)).c_str()));
    }
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return found;
}

}  // namespace skerry::app
