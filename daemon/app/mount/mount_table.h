// The kernel's list of mounts.
#pragma once

#include <optional>
#include <string>

namespace skerry::app {

struct MountEntry {
  std::string source;
  std::string type;
  unsigned device_minor = 0;
};

// The innermost mount on the folder, in this process's namespace. Asks nothing of the mount itself.
[[nodiscard]] std::optional<MountEntry> find_mount(const std::string& dir);

// The same from the text of /proc/self/mountinfo (proc(5)).
[[nodiscard]] std::optional<MountEntry> find_mount_in(const std::string& mountinfo,
                                                      const std::string& dir);

}  // namespace skerry::app
