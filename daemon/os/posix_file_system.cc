#include "daemon/os/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>

#include "daemon/os/fd.h"

namespace skerry::os {
namespace {

std::unexpected<Error> fail_at(Site site, int err, const std::string& path) {
  return fail_errno(err, fmt::format("{} {}", site.label, path));
}

int64_t nanoseconds(const statx_timestamp& t) {
  return t.tv_sec * 1'000'000'000 + static_cast<int64_t>(t.tv_nsec);
}

FileInfo info_of(const struct statx& s) {
  return {s.stx_size,
          s.stx_ino,
          nanoseconds(s.stx_mtime),
          nanoseconds(s.stx_ctime),
          (s.stx_mask & STATX_BTIME) != 0 ? nanoseconds(s.stx_btime) : 0,
          s.stx_mode & 07777u};
}

class PosixMapping final : public Mapping {
 public:
  PosixMapping(void* at, size_t bytes, std::string path)
      : at_(at), bytes_(bytes), path_(std::move(path)) {}
  ~PosixMapping() override { ::munmap(at_, bytes_); }

  ByteSpan bytes() override { return {static_cast<std::byte*>(at_), bytes_}; }
  Status sync(Site site) override {
    if (const int err = failpoint(site)) return fail_at(site, err, path_);
    if (::msync(at_, bytes_, MS_SYNC) != 0) return fail_at(site, errno, path_);
    return {};
  }

 private:
  void* at_;
  size_t bytes_;
  std::string path_;
};

class PosixFile final : public File {
 public:
  PosixFile(Fd fd, std::string path, Changes* changes)
      : fd_(std::move(fd)), path_(std::move(path)), changes_(changes) {}

  Result<size_t> read_at(Site site, uint64_t offset, ByteSpan into) override {
    if (const int err = failpoint(site)) return fail_at(site, err, path_);
    size_t done = 0;
    while (done < into.size()) {
      const ssize_t n = ::pread(fd_.get(), into.data() + done, into.size() - done,
                                static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_at(site, errno, path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Status write_at(Site site, uint64_t offset, ByteView data) override {
    if (const int err = failpoint(site)) return fail_at(site, err, path_);
    const Changes::Scope scope(changes_);
    while (!data.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_at(site, errno, path_);
      data = data.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Status truncate(Site site, uint64_t bytes) override {
    if (const int err = failpoint(site)) return fail_at(site, err, path_);
    const Changes::Scope scope(changes_);
    if (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) return fail_at(site, errno, path_);
    return {};
  }

  Status allocate(Site site, uint64_t offset, uint64_t bytes) override {
    if (const int err = failpoint(site)) return fail_at(site, err, path_);
    const Changes::Scope scope(changes_);
    if (::fallocate(fd_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0) {
      return fail_at(site, errno, path_);
    }
    return {};
  }

  Status sync(Site site) override {
    if (const int err = failpoint(site)) return fail_at(site, err, path_);
    if (::fdatasync(fd_.get()) != 0) return fail_at(site, errno, path_);
    return {};
  }

  Status set_mode(Site site, uint32_t mode) override {
    if (const int err = failpoint(site)) return fail_at(site, err, path_);
    const Changes::Scope scope(changes_);
    if (::fchmod(fd_.get(), mode) != 0) return fail_at(site, errno, path_);
    return {};
  }

  Result<FileInfo> info() override {
    struct statx s;
    if (::statx(fd_.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &s) != 0) {
      return fail_errno(errno, path_);
    }
    return info_of(s);
  }

  Result<std::unique_ptr<Mapping>> map(Site site, uint64_t bytes) override {
    if (const int err = failpoint(site)) return fail_at(site, err, path_);
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    if (at == MAP_FAILED) return fail_at(site, errno, path_);
    return std::make_unique<PosixMapping>(at, bytes, path_);
  }

 private:
  Fd fd_;
  std::string path_;
  Changes* changes_;
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kTruncate:
      return O_RDWR | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(Site site, const std::string& path,
                                                    OpenMode mode) {
  if (const int err = failpoint(site)) return fail_at(site, err, path);
  const bool may_create = mode != OpenMode::kRead && mode != OpenMode::kReadWrite;
  const Changes::Scope scope(may_create ? changes_ : nullptr);
  Fd fd(::open(path.c_str(), flags_of(mode) | O_CLOEXEC, 0644));
  if (!fd) return fail_at(site, errno, path);
  return std::make_unique<PosixFile>(std::move(fd), path, changes_);
}

Result<FileInfo> PosixFileSystem::info(const std::string& path) {
  struct statx s;
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS | STATX_BTIME, &s) != 0) {
    return fail_errno(errno, path);
  }
  return info_of(s);
}

Status PosixFileSystem::remove(Site site, const std::string& path) {
  if (const int err = failpoint(site)) return fail_at(site, err, path);
  const Changes::Scope scope(changes_);
  if (::unlink(path.c_str()) != 0) return fail_at(site, errno, path);
  return {};
}

Status PosixFileSystem::rename(Site site, const std::string& from, const std::string& to) {
  if (const int err = failpoint(site)) return fail_at(site, err, from);
  const Changes::Scope scope(changes_);
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_at(site, errno, from + " -> " + to);
  return {};
}

Status PosixFileSystem::make_directory(Site site, const std::string& path) {
  if (const int err = failpoint(site)) return fail_at(site, err, path);
  const Changes::Scope scope(changes_);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail_at(site, error.value(), path);
  return {};
}

Status PosixFileSystem::remove_directory(Site site, const std::string& path) {
  if (const int err = failpoint(site)) return fail_at(site, err, path);
  const Changes::Scope scope(changes_);
  if (::rmdir(path.c_str()) != 0) return fail_at(site, errno, path);
  return {};
}

Status PosixFileSystem::sync_directory(Site site, const std::string& path) {
  if (const int err = failpoint(site)) return fail_at(site, err, path);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_at(site, errno, path);
  return {};
}

Result<std::vector<DirEntry>> PosixFileSystem::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), &::closedir);
  if (!dir) return fail_errno(errno, path);
  std::vector<DirEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back({name, entry->d_ino, entry->d_type == DT_DIR});
  }
  if (errno != 0) return fail_errno(errno, path);
  return entries;
}

Result<uint64_t> PosixFileSystem::free_bytes(const std::string& path) {
  struct statvfs s;
  if (::statvfs(path.c_str(), &s) != 0) return fail_errno(errno, path);
  return uint64_t{s.f_bavail} * s.f_frsize;
}

}  // namespace skerry::os
