// Which handler answers what: exact paths, filled at start, read-only afterwards.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/net/http_message.h"

namespace skerry::net {

// Bodies of requests that are answered on an io thread are read before the handler is called, and
// are at most this long.
inline constexpr size_t kSmallBodyBytesMax = 64 << 10;

enum class RunsOn {
  kIoThread,  // answers from memory, in microseconds
  kPool,      // may block, reads the body as it comes
};

using Handler = std::function<Response(Request&)>;

class Router {
 public:
  struct Route {
    std::string method;
    RunsOn runs_on = RunsOn::kIoThread;
    Handler handler;
  };

  void add(std::string path, std::string method, RunsOn runs_on, Handler handler);

  // A route that changes something, or makes this node do work for others: the guard of changes is
  // asked first, where the handler runs. Without a guard it is a route like any other.
  void add_change(std::string path, std::string method, RunsOn runs_on, Handler handler);
  // A route for other nodes: the same guard, which lets every node in where there is no secret.
  void add_for_nodes(std::string path, std::string method, RunsOn runs_on, Handler handler);
  // Says why a request may not change anything, or nothing: then it may. It may put another body
  // into the request's place. Set before the server starts, before or after add_change().
  using Guard = std::function<std::optional<Response>(Request&)>;
  void guard_changes(Guard guard) { *guard_ = std::move(guard); }
  void guard_nodes(Guard guard) { *node_guard_ = std::move(guard); }

  // The route for a request; HEAD is taken for GET. Null: none, and refusal() says why.
  [[nodiscard]] const Route* find(const std::string& path, const std::string& method) const;
  // 404, or 405 with the methods that there are.
  [[nodiscard]] Response refusal(const std::string& path) const;

 private:
  std::map<std::string, std::vector<Route>> routes_;
  std::shared_ptr<Guard> guard_ = std::make_shared<Guard>();
  std::shared_ptr<Guard> node_guard_ = std::make_shared<Guard>();
};

}  // namespace skerry::net
