// Starting and watching processes, for the keeper.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace skerry::keeper {

// A new process of a group of its own (`own_group`), with the given environment additions. 0 and a
// logged line if it cannot be started.
struct Start {
  const std::vector<std::string>& arguments;
  std::vector<std::string> environment;  // over what is inherited: "NAME=value"; "NAME" removes it
  bool own_group = false;
  int when_parent_ends = 0;  // the signal that it gets then; 0: it goes on
  std::vector<int> inherit;  // descriptors to keep open; all others are closed
  int channel = -1;          // becomes descriptor kChannelFd
};
[[nodiscard]] pid_t start(const Start& what);

// The process ended, or is ending and may be stuck in that: it waits, in a call or in the flush of
// a file of the mount, for an answer that only a successor can give, and waitpid() does not return.
[[nodiscard]] bool is_ending(pid_t pid);

// Signals every child but `except`; those that lost their parent have become ours.
void signal_children(int signal, pid_t except);

}  // namespace skerry::keeper
