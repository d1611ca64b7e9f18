// The real disk. One object serves the whole program.
#pragma once

#include "daemon/os/changes.h"
#include "daemon/os/file_system.h"

namespace skerry::os {

class PosixFileSystem final : public FileSystem {
 public:
  // Every change is announced in `changes`, if there is one; it outlives all files.
  explicit PosixFileSystem(Changes* changes = nullptr) : changes_(changes) {}

  Result<std::unique_ptr<File>> open(Site site, const std::string& path, OpenMode mode) override;
  Result<FileInfo> info(const std::string& path) override;
  Status remove(Site site, const std::string& path) override;
  Status rename(Site site, const std::string& from, const std::string& to) override;
  Status make_directory(Site site, const std::string& path) override;
  Status remove_directory(Site site, const std::string& path) override;
  Status sync_directory(Site site, const std::string& path) override;
  Result<std::vector<DirEntry>> list(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override;

 private:
  Changes* const changes_;
};

}  // namespace skerry::os
