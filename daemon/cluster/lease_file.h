// What a node must not forget about the lease: the highest epoch that it has seen, and which
// process took the lease last, so that its successor can prove that it is dead. FORMAT.md draws the
// file.
//
// Not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "daemon/os/file_system.h"
#include "ltx/base/types.h"

namespace skerry::cluster {

class LeaseFile {
 public:
  // <data_dir>/lease
  LeaseFile(os::FileSystem& fs, std::string data_dir);

  // Reads the file, if there is one; kCorrupt, with what to do, if it cannot be read.
  [[nodiscard]] Status load();

  [[nodiscard]] Epoch seen() const { return seen_; }
  // The process that took the lease last, if it was in this very folder on this very boot of the
  // machine: whoever holds the folder's lock now knows that it has ended.
  [[nodiscard]] std::optional<NodeId> predecessor() const;

  // On disk when it returns. `holder`: this process takes the lease with the epoch.
  [[nodiscard]] Status raise(Epoch epoch, std::optional<NodeId> holder);

 private:
  [[nodiscard]] Status parse(std::string_view text);
  [[nodiscard]] std::string here() const;

  os::FileSystem& fs_;
  const std::string data_dir_;
  const std::string path_;
  Epoch seen_;
  NodeId holder_;
  std::string holder_place_;  // boot and folder; see here()
};

}  // namespace skerry::cluster
