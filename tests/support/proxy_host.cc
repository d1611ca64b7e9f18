// The proxy alone, before a node whose state a test dictates: a program for tests in other
// languages and for benchmarks.
//
//   proxy_host CONFIG         serves on proxy.addr of that file, and prints "port N"
//
// Each line on stdin is a command, answered with a line:
//
//   state KEY=VALUE…          ready primary handing_over connected known (0/1), epoch, hostname,
//                             api_host, proxy_url, lag (milliseconds, or none); others as they were
//   position DB TXID EPOCH    of a database
//   appearing DB 0|1          its last transaction is not seen by applications yet
//   refuse                    the mount refuses a write
//   acknowledge N TXID        N replicas have everything up to TXID
//   metrics                   answered with JSON
//   application-stops | drain MS | stop
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstdio>
#include <iostream>
#include <sstream>

#include "daemon/config/address.h"
#include "daemon/config/load.h"
#include "proxy/proxy.h"
#include "tests/support/proxy_fake_node.h"

namespace skerry::proxy {
namespace {

class Host {
 public:
  explicit Host(std::unique_ptr<Proxy>& proxy, FakeNode& node) : proxy_(proxy), node_(node) {
    state_.ready = state_.is_primary = true;
    state_.epoch = Epoch(1);
    node_.set(state_);
  }

  std::string execute(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "state") return set_state(words);
    if (command == "position") return set_position(words);
    if (command == "acknowledge") return acknowledge(words);
    if (command == "appearing") return set_appearing(words);
    if (command == "refuse") {
      node_.refuse_write();
    } else if (command == "metrics") {
      return metrics();
    } else if (command == "application-stops") {
      proxy_->application_stops();
    } else if (command == "drain") {
      int64_t ms = 0;
      words >> ms;
      proxy_->drain(Ms(ms));
    } else if (command == "stop") {
      proxy_->stop();
    } else {
      return "unknown command";
    }
    return "ok";
  }

 private:
  std::string set_state(std::istringstream& words) {
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      const std::string key = word.substr(0, equals);
      const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
      if (key == "ready") state_.ready = value == "1";
      if (key == "primary") state_.is_primary = value == "1";
      if (key == "handing_over") state_.handing_over = value == "1";
      if (key == "connected") freshness_.connected = value == "1";
      if (key == "known") state_.primary_known = value == "1";
      if (key == "epoch") state_.epoch = Epoch(std::stoull(value));
      if (key == "hostname") state_.primary_hostname = value;
      if (key == "api_host") state_.primary_api_host = value;
      if (key == "proxy_url") state_.primary_proxy_url = value;
      if (key == "lag") {
        freshness_.lag.reset();
        if (value != "none") freshness_.lag = Ms(std::stoll(value));
      }
    }
    node_.set(freshness_);
    node_.set(state_);
    return "ok";
  }

  std::string set_position(std::istringstream& words) {
    std::string database;
    uint64_t txid = 0;
    uint64_t epoch = 0;
    words >> database >> txid >> epoch;
    node_.set_position(database, Txid(txid), Epoch(epoch));
    return "ok";
  }

  std::string set_appearing(std::istringstream& words) {
    std::string database;
    int appearing = 0;
    words >> database >> appearing;
    node_.set_appearing(database, appearing == 1);
    return "ok";
  }

  std::string acknowledge(std::istringstream& words) {
    unsigned replicas = 0;
    uint64_t txid = 0;
    words >> replicas >> txid;
    node_.set_acknowledged(replicas, Txid(txid));
    return "ok";
  }

  std::string metrics() {
    const Metrics m = proxy_->metrics();
    std::string requests;
    for (size_t action = 0; action < kActions; ++action) {
      for (size_t reason = 0; reason < kReasons; ++reason) {
        if (m.requests[action][reason] == 0) continue;
        requests += fmt::format("{}\"{}:{}\":{}", requests.empty() ? "" : ",",
                                to_string(static_cast<Action>(action)),
                                to_string(static_cast<Reason>(reason)), m.requests[action][reason]);
      }
    }
    return fmt::format(
        "{{\"requests\":{{{}}},\"clients\":{},\"connections\":{},\"upstream_connections\":{},"
        "\"upstream_reused\":{},\"upstream_errors\":{},\"retried\":{},\"replayed\":{},\"waits\":{},"
        "\"looks\":{},"
        "\"holds\":{},\"held\":{},\"gate_waits\":{},\"gate_timeouts\":{},\"refused\":{},"
        "\"tunnels\":{},\"bytes_in\":{},\"bytes_out\":{}}}",
        requests, m.clients, m.connections, m.upstream_connections, m.upstream_reused,
        m.upstream_errors, m.retried, m.replayed, m.waits, node_.looks(), m.holds, m.held, m.gate_waits,
        m.gate_timeouts, m.refused, m.tunnels, m.client_bytes_in, m.client_bytes_out);
  }

  std::unique_ptr<Proxy>& proxy_;
  FakeNode& node_;
  NodeState state_;
  Freshness freshness_;
};

int listen_on(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  return ::listen(fd, 4096) == 0 ? fd : -1;
}

uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t bytes = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes);
  return ntohs(address.sin_port);
}

int fail_with(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const std::string& config_path) {
  allow_many_files();
  config::LoadOptions options;
  options.path = config_path;
  const auto loaded = config::load(options);
  if (!loaded) return fail_with(loaded.error().message());
  const auto address = config::parse_address(loaded->config.proxy.addr);
  const int listener = listen_on(address ? address->port : 0);
  if (listener < 0) return fail_with("cannot listen on proxy.addr");
  std::vector<std::string> warnings;
  auto settings = settings_from(loaded->config, std::getenv("FLY_APP_NAME") != nullptr,
                                loaded->config.lease.hostname, warnings);
  if (!settings) return fail_with(settings.error().message());
  FakeNode node;
  std::unique_ptr<Proxy> proxy;
  Host host(proxy, node);
  auto started = Proxy::start(std::move(*settings), node, listener);
  if (!started) return fail_with(started.error().message());
  proxy = std::move(*started);
  std::cout << "port " << port_of(listener) << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << host.execute(line) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace skerry::proxy

int main(int argc, char** argv) {
  if (argc != 2) return skerry::proxy::fail_with("usage: proxy_host CONFIG");
  return skerry::proxy::run(argv[1]);
}
