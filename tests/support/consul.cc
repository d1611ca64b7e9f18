#include "tests/support/consul.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "lease/curl_client.h"

namespace skerry::test {

using namespace std::chrono_literals;

static constexpr auto kPatience = 90s;

uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  socklen_t bytes = sizeof(address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes);
  ::close(fd);
  return ntohs(address.sin_port);
}

bool Consul::is_installed() {
  return std::system("command -v consul >/dev/null") == 0;
}

Consul::Consul(size_t servers) : servers_(servers) {
  std::vector<uint16_t> serf;
  for (size_t i = 0; i < servers; ++i) serf.push_back(free_port());
  for (size_t i = 0; i < servers; ++i) {
    Server& server = servers_[i];
    server.http = free_port();
    server.rpc = free_port();
    const std::string data = folder_.path(fmt::format("consul{}", i).c_str());
    const std::string config = data + ".json";
    std::ofstream(config) << R"({"performance": {"raft_multiplier": 1}})";
    server.log = data + ".log";
    server.words = {"consul",
                    "agent",
                    "-server",
                    "-bind=127.0.0.1",
                    "-client=127.0.0.1",
                    "-log-level=warn",
                    "-disable-host-node-id",
                    "-dns-port=-1",
                    "-grpc-port=-1",
                    "-serf-wan-port=-1",
                    "-config-file=" + config,
                    "-data-dir=" + data,
                    fmt::format("-node=server{}", i),
                    fmt::format("-bootstrap-expect={}", servers),
                    fmt::format("-http-port={}", server.http),
                    fmt::format("-server-port={}", server.rpc),
                    fmt::format("-serf-lan-port={}", serf[i])};
    for (const uint16_t port : serf) {
      if (port != serf[i]) server.words.push_back(fmt::format("-retry-join=127.0.0.1:{}", port));
    }
    server.words.emplace_back("-retry-interval=1s");
    restart(i);
  }
  wait_for_leader();
}

void Consul::restart(size_t server) {
  servers_[server].child = std::make_unique<Child>(servers_[server].words, servers_[server].log);
}

void Consul::kill(size_t server) {
  servers_[server].child->kill();
}

std::string Consul::call_server(size_t server, const std::string& method, const std::string& path,
                                const std::string& body) {
  auto curl = lease::CurlClient::open({});
  std::string answer;
  bool done = false;
  lease::HttpCall call;
  call.url = fmt::format("http://127.0.0.1:{}{}", servers_[server].http, path);
  call.request = {method, path, body};
  call.deadline = 5s;
  (*curl)->start(call, [&](Result<lease::HttpResponse> response) {
    if (response && response->status == 200) answer = response->body;
    done = true;
  });
  while (!done) (*curl)->run(lease::LeaseClock::now() + 1s);
  return answer;
}

std::string Consul::call(const std::string& method, const std::string& path,
                         const std::string& body) {
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (!servers_[i].child->is_running()) continue;
    if (auto answer = call_server(i, method, path, body); !answer.empty()) return answer;
  }
  return "";
}

void Consul::wait_for_leader() {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < give_up) {
    if (call("PUT", "/v1/kv/probe", "x") == "true") return;
    std::this_thread::sleep_for(50ms);
  }
  throw std::runtime_error("Consul has no leader; its log: " + servers_[0].log);
}

size_t Consul::leader() {
  const std::string says = call("GET", "/v1/status/leader");  // "127.0.0.1:<rpc>"
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (says.contains(fmt::format(":{}\"", servers_[i].rpc))) return i;
  }
  throw std::runtime_error("no server is the leader: " + says);
}

}  // namespace skerry::test
