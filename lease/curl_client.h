// HTTP calls to Consul and to peers, many at a time on one thread, each with a deadline. Redirects
// are followed (Consul sends to its leader); a server that hangs costs a deadline and nothing else.
//
// Not thread-safe, but for wake().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lease/consul_wire.h"
#include "lease/lease_clock.h"

namespace skerry::lease {

struct Tls {
  std::string ca_file;           // empty: the system's authorities
  std::string certificate_file;  // of this client
  std::string key_file;
  bool verify = true;
};

struct HttpCall {
  std::string url;  // holds no secret
  HttpRequest request;
  std::vector<std::string> headers;  // may hold secrets
  Duration deadline{0};
  // A server that accepts no connection is given up after that; 0: at the deadline.
  Duration connect_deadline{0};
};

class CurlClient {
 public:
  // kUnavailable: no answer, with the reason. Called by run(), on its thread.
  using Done = std::move_only_function<void(Result<HttpResponse>)>;
  using CallId = uint64_t;

  [[nodiscard]] static Result<std::unique_ptr<CurlClient>> open(Tls tls);
  virtual ~CurlClient() = default;

  virtual CallId start(HttpCall call, Done done) = 0;
  // Its `done` is not called any more.
  virtual void cancel(CallId id) = 0;
  // Lets calls go on until one ends, wake() is called, or `until` has come.
  virtual void run(Time until) = 0;
  // Ends a run(), or the next one. From any thread.
  virtual void wake() = 0;
};

}  // namespace skerry::lease
