// The real disk, with a memory of what was synced: after a power cut every file keeps what was
// synced, and of what was written since any part, page by page. Creating, renaming and removing
// files is durable at once; what a file system may lose there is not modelled.
//
// Threads: one.
#pragma once

#include <map>
#include <random>

#include "daemon/os/posix_file_system.h"

namespace skerry::test {

class PowerCutFs final : public os::FileSystem {
 public:
  Result<std::unique_ptr<os::File>> open(os::Site site, const std::string& path,
                                         os::OpenMode mode) override;
  Result<os::FileInfo> info(const std::string& path) override { return real_.info(path); }
  Status remove(os::Site site, const std::string& path) override;
  Status rename(os::Site site, const std::string& from, const std::string& to) override;
  Status make_directory(os::Site site, const std::string& path) override {
    return real_.make_directory(site, path);
  }
  Status remove_directory(os::Site site, const std::string& path) override {
    return real_.remove_directory(site, path);
  }
  Status sync_directory(os::Site site, const std::string& path) override {
    return real_.sync_directory(site, path);
  }
  Result<std::vector<os::DirEntry>> list(const std::string& path) override {
    return real_.list(path);
  }
  Result<uint64_t> free_bytes(const std::string& path) override { return real_.free_bytes(path); }

  // What is left of unsynced writes: each 4 KiB page of a file, with this probability; a file's
  // size, likewise. Nothing may be open.
  void cut(std::mt19937_64& random, double kept);
  // The file was removed without this object (by its bare name).
  void forget(const std::string& path) { synced_.erase(path); }

 private:
  friend class PowerCutFile;
  void synced(const std::string& path);

  os::PosixFileSystem real_;
  std::map<std::string, Bytes> synced_;  // what is on disk, of each file that was opened
};

}  // namespace skerry::test
