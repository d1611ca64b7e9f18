#include "daemon/app/mount/mount_point.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "daemon/log/log.h"

namespace skerry::app {
namespace {

constexpr const char* kHelper = "fusermount3";

// The folder's mounts as the kernel lists them, innermost last: file system types.
std::string mounted_type(const std::string& dir) {
  std::ifstream mounts("/proc/self/mounts");
  std::string device, where, type, rest, found;
  while (mounts >> device >> where >> type && std::getline(mounts, rest)) {
    if (where == dir) found = type;
  }
  return found;
}

// A FUSE mount whose process is gone answers ENOTCONN to everything.
Status clean_left_over(const std::string& dir) {
  struct stat st{};
  if (::stat(dir.c_str(), &st) == 0 || errno != ENOTCONN) return {};
  log::warn("mount-left-over", "removing the mount that a crashed process left", {{"dir", dir}});
  if (::umount2(dir.c_str(), MNT_DETACH) == 0) return {};
  const std::string command = fmt::format("{} -u -z -q '{}'", kHelper, dir);
  if (::geteuid() != 0 && std::system(command.c_str()) == 0) return {};
  return fail_errno(errno, fmt::format("{} is a mount left by a crashed process and cannot be "
                                       "removed; run \"umount -l {}\" as root",
                                       dir, dir));
}

Status check_free(const std::string& dir) {
  const std::string type = mounted_type(dir);
  if (type.empty()) return {};
  return fail(Errc::kBusy, fmt::format("{} is mounted already ({}); stop what uses it, or set "
                                       "fuse.dir to another folder",
                                       dir, type));
}

Result<os::Fd> open_device() {
  os::Fd fuse(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (fuse) return fuse;
  const int err = errno;
  return fail_errno(err,
                    err == ENOENT || err == ENXIO
                        ? "/dev/fuse is missing; load the fuse module (modprobe fuse), or give "
                          "the container the device (--device /dev/fuse --cap-add SYS_ADMIN)"
                        : "cannot open /dev/fuse");
}

Result<Mounted> mount_as_root(const MountOptions& options) {
  TRY_ASSIGN(os::Fd fuse, open_device());
  const std::string arguments =
      fmt::format("fd={},rootmode=40000,user_id={},group_id={}{}", fuse.get(), ::getuid(),
                  ::getgid(), options.allow_other ? ",allow_other" : "");
  if (::mount("skerry", options.dir.c_str(), "fuse.skerry", MS_NOSUID | MS_NODEV,
              arguments.c_str()) != 0) {
    return fail_errno(
        errno, fmt::format("cannot mount {}; a container needs --cap-add SYS_ADMIN", options.dir));
  }
  return Mounted{std::move(fuse), ""};
}

// fusermount3 mounts on behalf of a user and sends the descriptor over a socket.
Result<os::Fd> receive_descriptor(int socket) {
  std::array<char, 1> byte{};
  iovec part{byte.data(), byte.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0) {
    return fail(Errc::kDenied, "fusermount3 did not mount; its message stands above");
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) {
    return fail(Errc::kIo, "fusermount3 sent no descriptor");
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return os::Fd(fd);
}

Result<Mounted> mount_as_user(const MountOptions& options) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) {
    return fail_errno(errno, "creating a socket for fusermount3");
  }
  const os::Fd ours(ends[0]);
  os::Fd theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ours.get());
    ::setenv("_FUSE_COMMFD", std::to_string(theirs.get()).c_str(), 1);
    const std::string flags = std::string("fsname=skerry,subtype=skerry,nosuid,nodev") +
                              (options.allow_other ? ",allow_other" : "");
    ::execlp(kHelper, kHelper, "-o", flags.c_str(), "--", options.dir.c_str(), nullptr);
    std::fprintf(stderr, "cannot run %s; install the package fuse3, or mount as root\n", kHelper);
    ::_exit(127);
  }
  theirs.reset();
  auto fuse = receive_descriptor(ours.get());
  int status = 0;
  ::waitpid(pid, &status, 0);
  TRY(fuse);
  return Mounted{std::move(*fuse), kHelper};
}

}  // namespace

Result<Mounted> mount_fuse(const MountOptions& options) {
  if (options.clean_left_over) TRY(clean_left_over(options.dir));
  TRY(check_free(options.dir));
  std::error_code error;
  if (std::filesystem::create_directories(options.dir, error)) {
    std::filesystem::permissions(options.dir, std::filesystem::perms::all, error);
  }
  struct stat st{};
  if (::stat(options.dir.c_str(), &st) != 0) {
    return fail_errno(errno, fmt::format("the mount folder {}", options.dir));
  }
  return ::geteuid() == 0 ? mount_as_root(options) : mount_as_user(options);
}

}  // namespace skerry::app
