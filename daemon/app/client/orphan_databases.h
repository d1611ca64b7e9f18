// The two databases that the orphans commands compare, as files that SQLite opens.
#pragma once

#include <string>

#include "daemon/cluster/orphan.h"
#include "daemon/os/file_system.h"

namespace skerry::app {

// A folder that goes with its end.
class ScratchFolder {
 public:
  [[nodiscard]] static Result<ScratchFolder> make();
  ~ScratchFolder();
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The orphan's snapshot as a database file, which must not exist yet; on disk when this returns. It
// is in rollback mode, so that it can be read wherever it lies.
[[nodiscard]] Status rebuild_orphan(os::FileSystem& fs, const cluster::Orphan& orphan,
                                    const std::string& path);

// The database at the fork: as it was before the lost transactions; `path` as above. False, and no
// file: it was empty.
[[nodiscard]] Result<bool> rebuild_fork(os::FileSystem& fs, const cluster::Orphan& orphan,
                                        const std::string& path);
[[nodiscard]] bool knows_fork(const cluster::Orphan& orphan);

// What the data folder has of the database now, whether a node runs on it or not: false if there is
// nothing of it. kBusy: it does not stand still long enough.
[[nodiscard]] Result<bool> copy_present(const std::string& data_dir, const std::string& database,
                                        const std::string& path);

}  // namespace skerry::app
