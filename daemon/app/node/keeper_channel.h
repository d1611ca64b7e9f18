// The worker's end of its socket to the keeper (daemon/keeper/protocol.h).
#pragma once

#include <string_view>

#include "ltx/base/result.h"

namespace skerry::app {

// This process ends when the keeper does, and lets those go that wait for the mount: its own threads
// among them, which could not even be killed. Once, before the mount is served.
void end_with_keeper(const std::string& mount_dir);

class KeeperChannel {
 public:
  void say_ready() const;
  // Commands under `exec` may start; those for candidates, or for the primary, only if
  // this node is one.
  void start_app(bool is_candidate, bool is_primary) const;
  void say_handed_over() const;
  void say_released() const;
  void say_drained() const;
  // Stop the application, the mount and everything.
  void quit(int exit_code) const;

  // The keeper's next message; blocks. Nothing: the keeper is gone, as end_with_keeper() has it.
  [[nodiscard]] char wait() const;
  [[noreturn]] void keeper_is_gone() const;
};

// What the keeper passed on: the kernel's INIT request.
[[nodiscard]] Result<std::string> read_handshake();

}  // namespace skerry::app
