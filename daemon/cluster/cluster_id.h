// The cluster that a data folder belongs to: <data>/clusterid, "LFSC" + 16 upper-case hexadecimal
// digits + a line's end, as LiteFS has it. The first primary makes it up; replicas take over their
// primary's and refuse another cluster's. People may write the file by hand before the first start.
//
// Threads: any.
#pragma once

#include <mutex>
#include <string>

#include "daemon/os/file_system.h"

namespace skerry::cluster {

class ClusterId {
 public:
  ClusterId(os::FileSystem& fs, const std::string& data_dir);

  // Reads the file, if there is one; kCorrupt, with what to do, if it is not one of those.
  [[nodiscard]] Status load();

  [[nodiscard]] std::string get() const;  // empty: not known yet

  // On the primary: makes one up unless it is known.
  [[nodiscard]] Status ensure();
  // What the primary or the lease service says. kInvalid if this folder belongs to another cluster.
  // `replace`: this folder holds no data that could belong to another.
  [[nodiscard]] Status adopt(const std::string& id, bool replace = false);

 private:
  [[nodiscard]] Status save(const std::string& id);  // with mutex_ held

  os::FileSystem& fs_;
  const std::string path_;
  mutable std::mutex mutex_;
  std::string id_;  // guarded by mutex_
};

[[nodiscard]] std::string make_cluster_id();
[[nodiscard]] bool is_cluster_id(std::string_view text);

}  // namespace skerry::cluster
