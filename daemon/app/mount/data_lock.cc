#include "daemon/app/mount/data_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace skerry::app {

static std::string holder_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), n > 0 ? static_cast<size_t>(n) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

Result<os::Fd> lock_data_folder(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return fail_errno(error.value(), fmt::format("creating the data folder {}", dir));
  const std::string path = dir + "/lock";
  os::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(errno, path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Errc::kBusy, fmt::format("the data folder {} is in use by {}; stop it, or set "
                                         "data.dir to another folder",
                                         dir, holder_of(fd.get())));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";  // exec keeps it
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return fail_errno(errno, path);
  }
  return fd;
}

std::string control_path(const std::string& data_dir) {
  return data_dir + "/control.sock";
}

}  // namespace skerry::app
