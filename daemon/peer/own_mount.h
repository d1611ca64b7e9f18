// This process's own view of its mount: what it opens there, it opens as any application would, so
// its locks and its shared memory are the applications'.
//
// Never from a FUSE request thread, and never with a lock held that a request needs: opening sends
// requests to this very process. Taking or testing a lock sends none, nor does reading mapped
// memory that is resident.
#pragma once

#include <string>

#include "daemon/os/fd.h"
#include "ltx/base/result.h"

namespace skerry::peer {

class OwnMount {
 public:
  explicit OwnMount(std::string dir) : dir_(std::move(dir)) {}
  virtual ~OwnMount() = default;

  // Read and write; kNotFound if it is not there. `create` makes it.
  [[nodiscard]] virtual Result<os::Fd> open(const std::string& name, bool create = false) const;
  // kNotFound if it is not there.
  [[nodiscard]] virtual Status unlink(const std::string& name) const;
  [[nodiscard]] const std::string& dir() const { return dir_; }

 private:
  const std::string dir_;
};

}  // namespace skerry::peer
