// Gets what another node has, before this one stands for the lease: a stream from a node that is no
// primary, which ends once everything that was there at its beginning has come.
//
// Threads: begin(), advance() and cancel() on one at a time; none of them on an io or pool thread.
#pragma once

#include <functional>
#include <optional>

#include "daemon/os/clock.h"
#include "daemon/replication/stream_client.h"
#include "lease/terms.h"

namespace skerry::app {

class CatchUp {
 public:
  using Done = std::move_only_function<void(bool ok)>;

  // `settings` as StreamClient's. `moved`: advance() has something to do; called from any thread,
  // must not block.
  CatchUp(const replication::StreamClient::Parts& parts,
          replication::StreamClient::Settings settings,
          replication::StreamClient::OnWelcome on_welcome, std::function<void()> moved);

  // Nothing else may be applying meanwhile. `done` is called by advance() or cancel().
  void begin(const std::string& url, Done done);
  [[nodiscard]] bool is_running() const { return static_cast<bool>(done_); }
  // Ends it if everything is here, or if it has taken lease::kCatchUpBound.
  void advance();
  void cancel();

 private:
  void end(bool ok);

  os::Clock& clock_;
  replication::StreamClient client_;
  Done done_;
  std::string url_;
  os::MonotonicTime deadline_{};
};

}  // namespace skerry::app
