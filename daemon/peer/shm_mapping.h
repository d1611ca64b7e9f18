// The -shm file of a database, mapped through the mount: the memory that SQLite's processes share.
// Resident and locked in memory, so that touching it never waits for this process itself.
//
// As long as it is mapped it is held as a connection of SQLite holds it (the dead-man switch), so
// that no other process takes itself for the first one and cuts the file off under the mapping.
// Opened while nobody holds it, what it contains is an earlier time's, and is thrown away.
//
// Not thread-safe. Not for request threads.
#pragma once

#include <memory>
#include <vector>

#include "daemon/peer/byte_lock.h"
#include "daemon/peer/own_mount.h"
#include "ltx/sqlite/wal_index.h"

namespace skerry::peer {

class ShmMapping final : public sqlite::WalIndexMemory {
 public:
  // kBusy: another process is just about to be the first one; try again.
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
  [[nodiscard]] Status join(const std::string& name);
  [[nodiscard]] Status map_until(size_t blocks);

  os::Fd fd_;
  std::optional<ByteLock> held_;
  std::vector<std::byte*> blocks_;
};

}  // namespace skerry::peer
