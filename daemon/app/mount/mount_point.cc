#include "daemon/app/mount/mount_point.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "daemon/app/mount/mount_table.h"
#include "daemon/log/log.h"

namespace skerry::app {
namespace {

constexpr const char* kHelper = "fusermount3";

bool run_helper(std::vector<std::string> arguments) {
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execvp(raw[0], raw.data());
    ::_exit(127);
  }
  int status = 0;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && status == 0;
}

constexpr const char* kType = "fuse.skerry";
constexpr int kStackedMountsMax = 16;

// What the mount shows as its source: whose data folder it serves, so that its left-over can be
// told from the mount of a node that works.
std::string source_of(const MountOptions& options) {
  return "skerry:" + std::filesystem::absolute(options.data_dir).lexically_normal().string();
}

// A FUSE mount whose process is gone answers ENOTCONN, to what the kernel does not know by itself.
bool is_dead(const std::string& dir) {
  struct statfs fs{};
  return ::statfs(dir.c_str(), &fs) != 0 && errno == ENOTCONN;
}

// Frees whoever waits for an answer of the mount, as a process does that ended in such a wait.
void abort_connection(const MountEntry& mount) {
  const std::string path = fmt::format("/sys/fs/fuse/connections/{}/abort", mount.device_minor);
  const os::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd) (void)!::write(fd.get(), "1", 1);
}

Status detach(const std::string& dir, const MountEntry& mount) {
  log::warn("mount-left-over", "removing the mount that a crashed process left", {{"dir", dir}});
  abort_connection(mount);
  ::umount2(dir.c_str(), MNT_FORCE);
  if (::umount2(dir.c_str(), MNT_DETACH) == 0 || errno == EINVAL) return {};
  const int err = errno;
  if (::geteuid() != 0 && run_helper({kHelper, "-u", "-z", "-q", "--", dir})) return {};
  return fail_errno(err, fmt::format("{} is a mount left by a crashed process and cannot be "
                                     "removed; run \"umount -l {}\" as root",
                                     dir, dir));
}

Status check_free(const std::string& dir) {
  const auto mount = find_mount(dir);
  if (!mount) return {};
  return fail(Errc::kBusy, fmt::format("{} is mounted already ({} of {}); stop what uses it, or "
                                       "set fuse.dir to another folder",
                                       dir, mount->type, mount->source));
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
  if (::mount(source_of(options).c_str(), options.dir.c_str(), kType, MS_NOSUID | MS_NODEV,
              arguments.c_str()) != 0) {
    return fail_errno(
        errno, fmt::format("cannot mount {}; a container needs --cap-add SYS_ADMIN", options.dir));
  }
  return Mounted{std::move(fuse), ""};
}

// fusermount3's options are separated by commas.
std::string escaped_option(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == ',' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
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
    const std::string flags = "fsname=" + escaped_option(source_of(options)) +
                              ",subtype=skerry,nosuid,nodev" +
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

Status clean_left_over(const MountOptions& options) {
  for (int i = 0; i < kStackedMountsMax; ++i) {
    const auto mount = find_mount(options.dir);
    if (!mount || !mount->type.starts_with("fuse")) return {};
    const bool ours = mount->type == kType && mount->source == source_of(options);
    if (!ours && !is_dead(options.dir)) return {};
    TRY(detach(options.dir, *mount));
  }
  return {};
}

Result<Mounted> mount_fuse(const MountOptions& options) {
  if (options.clean_left_over) TRY(clean_left_over(options));
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
