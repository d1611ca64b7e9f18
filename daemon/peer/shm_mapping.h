// The -shm file of a database, mapped through the mount: the memory that SQLite's processes share.
// Resident and locked in memory, so that touching it never waits for this process itself.
//
// Not thread-safe. Not for request threads.
#pragma once

#include <memory>
#include <vector>

#include "daemon/peer/own_mount.h"
#include "ltx/sqlite/wal_index.h"

namespace skerry::peer {

class ShmMapping final : public sqlite::WalIndexMemory {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ShmMapping>> open(const OwnMount& mount,
                                                                const std::string& name,
                                                                bool create);
  ~ShmMapping() override;

  std::byte* block(size_t index) override;
  Status grow(size_t blocks) override;
  // For SQLite's locks in it.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit ShmMapping(os::Fd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Status map_until(size_t blocks);

  os::Fd fd_;
  std::vector<std::byte*> blocks_;
};

}  // namespace skerry::peer
