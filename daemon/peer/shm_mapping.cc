#include "daemon/peer/shm_mapping.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ltx/sqlite/lock_bytes.h"

namespace skerry::peer {

using sqlite::kWalIndexBlockBytes;

Result<std::unique_ptr<ShmMapping>> ShmMapping::open(const OwnMount& mount, const std::string& name,
                                                     bool create) {
  TRY_ASSIGN(os::Fd fd, mount.open(name, create));
  std::unique_ptr<ShmMapping> mapping(new ShmMapping(std::move(fd)));
  TRY(mapping->join(name));
  return mapping;
}

Status ShmMapping::join(const std::string& name) {
  constexpr ByteRange kDeadManSwitch{sqlite::kWalDeadManSwitch, 1};
  TRY_ASSIGN(held_, ByteLock::try_take(fd_.get(), LockKind::kExclusive, kDeadManSwitch));
  if (held_) {
    if (::ftruncate(fd_.get(), 0) != 0) return fail_errno(errno, "emptying the wal-index");
    return held_->weaken();
  }
  TRY_ASSIGN(held_, ByteLock::try_take(fd_.get(), LockKind::kShared, kDeadManSwitch));
  if (held_) return {};
  return fail(Errc::kBusy, fmt::format("{}: another process is just opening it", name));
}

ShmMapping::~ShmMapping() {
  for (std::byte* block : blocks_) ::munmap(block, kWalIndexBlockBytes);
}

// Each block is a mapping of its own, as in SQLite: blocks never move.
Status ShmMapping::map_until(size_t blocks) {
  struct stat st{};
  if (::fstat(fd_.get(), &st) != 0) return fail_errno(errno, "wal-index");
  const size_t there = static_cast<size_t>(st.st_size) / kWalIndexBlockBytes;
  while (blocks_.size() < std::min(blocks, there)) {
    void* at =
        ::mmap(nullptr, kWalIndexBlockBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
               fd_.get(), static_cast<off_t>(blocks_.size() * kWalIndexBlockBytes));
    if (at == MAP_FAILED) return fail_errno(errno, "mapping the wal-index");
    // Where locking fails for a limit, the pages stay resident as long as memory lasts.
    (void)::mlock(at, kWalIndexBlockBytes);
    blocks_.push_back(static_cast<std::byte*>(at));
  }
  return {};
}

std::byte* ShmMapping::block(size_t index) {
  if (index >= blocks_.size() && !map_until(index + 1)) return nullptr;
  return index < blocks_.size() ? blocks_[index] : nullptr;
}

Status ShmMapping::grow(size_t blocks) {
  struct stat st{};
  if (::fstat(fd_.get(), &st) != 0) return fail_errno(errno, "wal-index");
  const auto wanted = static_cast<off_t>(blocks * kWalIndexBlockBytes);
  if (st.st_size < wanted && ::ftruncate(fd_.get(), wanted) != 0) {
    return fail_errno(errno, "growing the wal-index");
  }
  return map_until(blocks);
}

}  // namespace skerry::peer
