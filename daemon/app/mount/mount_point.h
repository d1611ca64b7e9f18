// The folder in which the databases appear: cleaning up after a crash, and mounting.
#pragma once

#include <string>

#include "daemon/os/fd.h"
#include "ltx/base/result.h"

namespace skerry::app {

struct MountOptions {
  std::string dir;
  bool allow_other = false;  // processes of other users may use the mount
  bool clean_left_over = true;
};

struct Mounted {
  os::Fd fuse;
  std::string unmount_helper;  // what removes the mount; empty: umount2()
};

// Makes the folder if it is not there, removes a mount that a crashed process left, and mounts.
// Errors name what is missing: /dev/fuse, rights, fusermount3; or who is in the way.
[[nodiscard]] Result<Mounted> mount_fuse(const MountOptions& options);

}  // namespace skerry::app
