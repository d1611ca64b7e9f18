#include "daemon/app/client/import_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "ltx/sqlite/journal_magic.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::app {
namespace {

bool has_content(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

bool is_hot_journal(const std::string& path) {
  std::array<std::byte, 8> head{};
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd && ::read(fd.get(), head.data(), head.size()) == ssize_t{head.size()} &&
         sqlite::has_journal_magic(head);
}

Status check_settled(const std::string& path) {
  if (has_content(path + "-wal")) {
    return fail(Errc::kInvalid,
                fmt::format("transactions of {0} are still in {0}-wal; bring them in with: sqlite3 "
                            "{0} 'PRAGMA wal_checkpoint(TRUNCATE)'",
                            path));
  }
  if (is_hot_journal(path + "-journal")) {
    return fail(Errc::kInvalid,
                fmt::format("{0}-journal holds a transaction that was not finished; have it rolled "
                            "back with: sqlite3 {0} 'SELECT 1 FROM sqlite_schema'",
                            path));
  }
  return {};
}

// SQLite's SHARED lock keeps writers out as long as the file is open.
Status lock_shared(const os::Fd& fd, const std::string& path) {
  struct flock lock{};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(sqlite::kSharedFirst);
  lock.l_len = static_cast<off_t>(sqlite::kSharedBytes);
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) return {};
  if (errno != EAGAIN && errno != EACCES) return {};  // a file system without locks
  return fail(Errc::kBusy, fmt::format("{} is being written by another process; try again when "
                                       "it is done",
                                       path));
}

}  // namespace

Result<ImportFile> ImportFile::open(const std::string& path) {
  os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return fail_errno(errno, path);
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::kInvalid, fmt::format("{} is not a regular file", path));
  }
  TRY(lock_shared(fd, path));
  TRY(check_settled(path));
  return ImportFile(path, std::move(fd), static_cast<uint64_t>(status.st_size));
}

Result<size_t> ImportFile::read(ByteSpan into) {
  ssize_t n = 0;
  do {
    n = ::read(fd_.get(), into.data(), into.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return fail_errno(errno, path_);
  done_ += static_cast<uint64_t>(n);
  if (n == 0 && done_ < bytes_) {
    return fail(Errc::kInvalid, fmt::format("{} became shorter while it was read", path_));
  }
  return static_cast<size_t>(n);
}

}  // namespace skerry::app
