#include "daemon/peer/own_mount.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/fusefs/session.h"

namespace skerry::peer {

namespace {

struct Registration {
  Registration() { fusefs::register_own_thread(); }
  ~Registration() { fusefs::unregister_own_thread(); }
};

}  // namespace

Result<os::Fd> OwnMount::open(const std::string& name, bool create) const {
  static thread_local const Registration registration;
  const std::string path = dir_ + "/" + name;
  os::Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0644));
  if (!fd) return fail_errno(errno, path);
  return fd;
}

Status OwnMount::unlink(const std::string& name) const {
  const std::string path = dir_ + "/" + name;
  if (::unlink(path.c_str()) != 0) return fail_errno(errno, path);
  return {};
}

}  // namespace skerry::peer
