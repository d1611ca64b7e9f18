// Byte locks on files of the mount (fcntl, open-file-description locks). They exclude, and are
// excluded by, the locks of applications; which bytes mean what stands in ltx/sqlite/lock_bytes.h.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "ltx/base/result.h"

namespace skerry::peer {

struct ByteRange {
  uint64_t first = 0;
  uint64_t bytes = 1;
};

enum class LockKind { kShared, kExclusive };

// Held until it ends. Movable; the descriptor must outlive it.
class ByteLock {
 public:
  // At once: a lock, or nothing if somebody else holds a conflicting one.
  [[nodiscard]] static Result<std::optional<ByteLock>> try_take(int fd, LockKind kind,
                                                                ByteRange range);
  ByteLock(ByteLock&& other) noexcept;
  ByteLock& operator=(ByteLock&& other) noexcept;
  ~ByteLock();
  // An exclusive lock becomes a shared one, or the reverse, with no moment between them. False:
  // others share it.
  [[nodiscard]] Status weaken();
  [[nodiscard]] Result<bool> strengthen();

 private:
  ByteLock(int fd, ByteRange range) : fd_(fd), range_(range) {}
  void release();

  int fd_;
  ByteRange range_;
};

// Who would be in the way of such a lock: a process id, −1 if it is an open file description, or
// nothing.
[[nodiscard]] std::optional<pid_t> conflicting_holder(int fd, LockKind kind, ByteRange range);

}  // namespace skerry::peer
