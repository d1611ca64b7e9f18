#include "daemon/app/mount/data_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "daemon/os/process.h"

namespace skerry::app {

// How long the workers of a keeper that is gone may take to end.
static constexpr std::chrono::seconds kLeftOverEndsWithin{10};
static constexpr std::chrono::milliseconds kLook{5};

// 0: it has not written its id yet.
static pid_t holder_of(int fd) {
  std::array<char, 32> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size() - 1, 0);
  return n > 0 ? std::atoi(text.data()) : 0;
}

static bool try_lock(int fd) {
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static Status take(int fd, const std::string& dir, const std::function<void()>& free_left_over) {
  if (try_lock(fd)) return {};
  const pid_t holder = holder_of(fd);
  if (holder > 0 && os::is_ending(holder)) {
    free_left_over();
    const auto deadline = std::chrono::steady_clock::now() + kLeftOverEndsWithin;
    while (std::chrono::steady_clock::now() < deadline) {
      if (try_lock(fd)) return {};
      std::this_thread::sleep_for(kLook);
    }
  }
  return fail(Errc::kBusy,
              fmt::format("the data folder {} is in use by {}; stop it, or set data.dir to "
                          "another folder",
                          dir, holder > 0 ? fmt::format("process {}", holder) : "another process"));
}

Result<os::Fd> lock_data_folder(const std::string& dir,
                                const std::function<void()>& free_left_over) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return fail_errno(error.value(), fmt::format("creating the data folder {}", dir));
  const std::string path = dir + "/lock";
  os::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(errno, path);
  TRY(take(fd.get(), dir, free_left_over));
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
