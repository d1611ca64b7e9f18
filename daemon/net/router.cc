#include "daemon/net/router.h"

#include <fmt/format.h>

namespace skerry::net {

void Router::add(std::string path, std::string method, RunsOn runs_on, Handler handler) {
  routes_[std::move(path)].push_back({std::move(method), runs_on, std::move(handler)});
}

static Handler guarded(std::shared_ptr<Router::Guard> guard, Handler handler) {
  return [guard = std::move(guard), handler = std::move(handler)](Request& request) {
    if (*guard) {
      if (auto refused = (*guard)(request)) return *std::move(refused);
    }
    return handler(request);
  };
}

void Router::add_change(std::string path, std::string method, RunsOn runs_on, Handler handler) {
  add(std::move(path), std::move(method), runs_on, guarded(guard_, std::move(handler)));
}

void Router::add_for_nodes(std::string path, std::string method, RunsOn runs_on,
                           Handler handler) {
  add(std::move(path), std::move(method), runs_on, guarded(node_guard_, std::move(handler)));
}

const Router::Route* Router::find(const std::string& path, const std::string& method) const {
  const auto found = routes_.find(path);
  if (found == routes_.end()) return nullptr;
  const std::string& wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : found->second) {
    if (route.method == wanted) return &route;
  }
  return nullptr;
}

Response Router::refusal(const std::string& path) const {
  const auto found = routes_.find(path);
  if (found == routes_.end()) return text_response(404, "404 page not found\n");
  std::string allowed;
  for (const Route& route : found->second) {
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", route.method);
  }
  Response response = text_response(405, "method not allowed\n");
  response.headers.set("Allow", std::move(allowed));
  return response;
}

}  // namespace skerry::net
