// The folder in which the databases appear: cleaning up after a crash, and mounting.
#pragma once

#include <string>

#include "daemon/os/fd.h"
#include "ltx/base/result.h"

namespace skerry::app {

struct MountOptions {
  std::string dir;
  std::string data_dir;      // whose databases it shows
  bool allow_other = false;  // processes of other users may use the mount
  bool clean_left_over = true;
};

struct Mounted {
  os::Fd fuse;
  std::string unmount_helper;  // what removes the mount; empty: umount2()
};

// Removes the mounts of nodes that ended without doing so: of any that answers no more, and of the
// one that serves this data folder, whose lock the caller has, or knows to be a dead node's.
[[nodiscard]] Status clean_left_over(const MountOptions& options);

// Makes the folder if it is not there, removes a mount that a crashed process left, and mounts.
// Errors name what is missing: /dev/fuse, rights, fusermount3; or who is in the way.
[[nodiscard]] Result<Mounted> mount_fuse(const MountOptions& options);

}  // namespace skerry::app
