// What the kernel tells of another process.
#pragma once

#include <sys/types.h>

#include <string>

namespace skerry::os {

// It is gone, or on its way out: it runs none of its own code any more.
[[nodiscard]] bool is_ending(pid_t pid);
// The same of one of its threads.
[[nodiscard]] bool is_ending(pid_t pid, pid_t tid);

// The program's name (/proc/<pid>/comm); empty if there is none.
[[nodiscard]] std::string program_of(pid_t pid);

}  // namespace skerry::os
