#include "daemon/peer/byte_lock.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

namespace skerry::peer {

static struct flock request_for(short type, ByteRange range) {
  struct flock request{};
  request.l_type = type;
  request.l_whence = SEEK_SET;
  request.l_start = static_cast<off_t>(range.first);
  request.l_len = static_cast<off_t>(range.bytes);
  return request;
}

static short type_of(LockKind kind) {
  return kind == LockKind::kShared ? F_RDLCK : F_WRLCK;
}

Result<std::optional<ByteLock>> ByteLock::try_take(int fd, LockKind kind, ByteRange range) {
  struct flock request = request_for(type_of(kind), range);
  if (::fcntl(fd, F_OFD_SETLK, &request) == 0) return ByteLock(fd, range);
  if (errno == EAGAIN || errno == EACCES) return std::nullopt;
  return fail_errno(errno, "locking a file of the mount");
}

ByteLock::ByteLock(ByteLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), range_(other.range_) {}

ByteLock& ByteLock::operator=(ByteLock&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::exchange(other.fd_, -1);
    range_ = other.range_;
  }
  return *this;
}

ByteLock::~ByteLock() {
  release();
}

Status ByteLock::weaken() {
  struct flock request = request_for(F_RDLCK, range_);
  if (::fcntl(fd_, F_OFD_SETLK, &request) == 0) return {};
  return fail_errno(errno, "weakening a lock on a file of the mount");
}

Result<bool> ByteLock::strengthen() {
  struct flock request = request_for(F_WRLCK, range_);
  if (::fcntl(fd_, F_OFD_SETLK, &request) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return fail_errno(errno, "strengthening a lock on a file of the mount");
}

void ByteLock::release() {
  if (fd_ < 0) return;
  struct flock request = request_for(F_UNLCK, range_);
  ::fcntl(fd_, F_OFD_SETLK, &request);
}

std::optional<pid_t> conflicting_holder(int fd, LockKind kind, ByteRange range) {
  struct flock request = request_for(type_of(kind), range);
  if (::fcntl(fd, F_OFD_GETLK, &request) != 0 || request.l_type == F_UNLCK) return std::nullopt;
  return request.l_pid;
}

}  // namespace skerry::peer
