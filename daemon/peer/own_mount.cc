#include "daemon/peer/own_mount.h"

#include <fcntl.h>

#include <cerrno>

#include "daemon/fusefs/session.h"

namespace skerry::peer {

Result<os::Fd> OwnMount::open(const std::string& name, bool create) const {
  static thread_local bool registered = false;
  if (!registered) fusefs::register_own_thread();
  registered = true;
  const std::string path = dir_ + "/" + name;
  os::Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0644));
  if (!fd) return fail_errno(errno, path);
  return fd;
}

}  // namespace skerry::peer
