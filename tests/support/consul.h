// Real Consul servers on loopback, for tests. `consul` must be in PATH
// (tests/support/install_consul puts it there).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lease/consul_wire.h"
#include "tests/support/child.h"
#include "tests/support/temp_folder.h"

namespace skerry::test {

class Consul {
 public:
  // Waits until there is a leader.
  explicit Consul(size_t servers);

  [[nodiscard]] static bool is_installed();

  [[nodiscard]] uint16_t port(size_t server = 0) const { return servers_[server].http; }
  [[nodiscard]] size_t leader();

  void kill(size_t server);
  void restart(size_t server);
  void signal(size_t server, int number) { servers_[server].child->signal(number); }
  void wait_for_leader();

  // As an operator with curl would: the answer's body, to whichever server is there.
  std::string call(const std::string& method, const std::string& path,
                   const std::string& body = "");

 private:
  struct Server {
    std::unique_ptr<Child> child;
    std::vector<std::string> words;
    std::string log;
    uint16_t http = 0;
    uint16_t rpc = 0;
  };
  [[nodiscard]] std::string call_server(size_t server, const std::string& method,
                                        const std::string& path, const std::string& body);

  const TempFolder folder_;
  std::vector<Server> servers_;
};

[[nodiscard]] uint16_t free_port();

}  // namespace skerry::test
