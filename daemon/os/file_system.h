// The disk as a seam: what of POSIX files this program uses, with a site label on every call (the
// failpoint's name, and what an error message begins with). PosixFileSystem is the real one; the
// simulator brings its own.
//
// Threads: a FileSystem may be used from any thread; a File too, except that truncate() and map()
// must not run beside other calls on the same range. Calls block as the disk does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/os/failpoint.h"
#include "ltx/base/bytes.h"
#include "ltx/base/result.h"

namespace skerry::os {

struct FileInfo {
  uint64_t bytes = 0;
  uint64_t inode = 0;
  int64_t modified_ns = 0;  // since the Unix epoch
  int64_t changed_ns = 0;
  int64_t created_ns = 0;  // 0 where the disk does not say
  uint32_t mode = 0;       // its permission bits, as in stat(2)
};

// A shared, writable mapping of a file from its beginning. Ends the process's view, not the file.
class Mapping {
 public:
  virtual ~Mapping() = default;
  [[nodiscard]] virtual ByteSpan bytes() = 0;
  [[nodiscard]] virtual Status sync(Site site) = 0;
};

class File {
 public:
  virtual ~File() = default;
  // Fills `into` as far as the file reaches, and says how far.
  [[nodiscard]] virtual Result<size_t> read_at(Site site, uint64_t offset, ByteSpan into) = 0;
  // All of `data`, or an error with an unknown part written.
  [[nodiscard]] virtual Status write_at(Site site, uint64_t offset, ByteView data) = 0;
  [[nodiscard]] virtual Status truncate(Site site, uint64_t bytes) = 0;
  [[nodiscard]] virtual Status allocate(Site site, uint64_t offset, uint64_t bytes) = 0;
  [[nodiscard]] virtual Status sync(Site site) = 0;  // data and size, as fdatasync
  [[nodiscard]] virtual Result<FileInfo> info() = 0;
  // Its permission bits; kept by a file system that has such.
  [[nodiscard]] virtual Status set_mode(Site site, uint32_t mode) {
    (void)site, (void)mode;
    return {};
  }
  [[nodiscard]] virtual Result<std::unique_ptr<Mapping>> map(Site site, uint64_t bytes) = 0;
};

enum class OpenMode {
  kRead,
  kReadWrite,
  kCreate,     // read and write; made empty if it does not exist
  kCreateNew,  // read and write; kExists if it exists
  kTruncate,   // read and write; empty, whether it existed or not
};

struct DirEntry {
  std::string name;
  uint64_t inode = 0;
  bool is_directory = false;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(Site site, const std::string& path,
                                                           OpenMode mode) = 0;
  [[nodiscard]] virtual Result<FileInfo> info(const std::string& path) = 0;
  [[nodiscard]] virtual Status remove(Site site, const std::string& path) = 0;
  [[nodiscard]] virtual Status rename(Site site, const std::string& from,
                                      const std::string& to) = 0;
  [[nodiscard]] virtual Status make_directory(Site site, const std::string& path) = 0;  // and above
  [[nodiscard]] virtual Status remove_directory(Site site, const std::string& path) = 0;
  [[nodiscard]] virtual Status sync_directory(Site site, const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::vector<DirEntry>> list(const std::string& path) = 0;
  // Bytes that an unprivileged writer still finds on the disk that holds `path`.
  [[nodiscard]] virtual Result<uint64_t> free_bytes(const std::string& path) = 0;
};

// The file's whole content; kCorrupt if it is longer than `bytes_max`.
[[nodiscard]] Result<Bytes> read_file(FileSystem& fs, Site site, const std::string& path,
                                      uint64_t bytes_max);
// Replaces the file so that a crash leaves the old or the new content: temporary file, sync,
// rename, sync of the directory.
[[nodiscard]] Status write_file_atomically(FileSystem& fs, Site site, const std::string& path,
                                           ByteView content);
[[nodiscard]] bool exists(FileSystem& fs, const std::string& path);
// Removes a file that may not be there.
[[nodiscard]] Status remove_if_exists(FileSystem& fs, Site site, const std::string& path);

}  // namespace skerry::os
