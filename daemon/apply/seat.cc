#include "daemon/apply/seat.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "ltx/sqlite/lock_bytes.h"

namespace skerry::apply {

using db::FileKind;
using peer::ByteLock;
using peer::LockKind;

namespace {

constexpr peer::ByteRange kPending{sqlite::kPendingByte, 1};
constexpr peer::ByteRange kReserved{sqlite::kReservedByte, 1};
constexpr peer::ByteRange kShared{sqlite::kSharedFirst, sqlite::kSharedBytes};

}  // namespace

Result<bool> uses_wal(const db::Replica& replica, const db::Replica::View& view) {
  if (view.commit == 0) return false;
  if (view.wal) return true;
  TRY_ASSIGN(const auto header, replica.header());
  return header && header->wal_mode;
}

bool Seat::is_current(int fd, FileKind kind) const {
  struct stat st{};
  return ::fstat(fd, &st) == 0 && st.st_ino == database_->file_id(kind);
}

Result<os::Fd> Seat::open(FileKind kind, bool create) const {
  return mount_.open(database_->name() + std::string(suffix(kind)), create);
}

Result<bool> Seat::connect() {
  if (shared_) {
    if (is_current(file_.get(), FileKind::kDatabase)) return true;
    leave();
  }
  if (!file_ || !is_current(file_.get(), FileKind::kDatabase)) {
    TRY_ASSIGN(file_, open(FileKind::kDatabase, false));
  }
  TRY_ASSIGN(const auto pending, ByteLock::try_take(file_.get(), LockKind::kShared, kPending));
  if (!pending) return false;
  TRY_ASSIGN(shared_, ByteLock::try_take(file_.get(), LockKind::kShared, kShared));
  return shared_.has_value();
}

Result<bool> Seat::open_wal() {
  if (shm_ && is_current(shm_->fd(), FileKind::kShm) && is_current(wal_.get(), FileKind::kWal)) {
    return true;
  }
  index_.reset();
  shm_.reset();
  TRY_ASSIGN(wal_, open(FileKind::kWal, true));
  auto mapped =
      peer::ShmMapping::open(mount_, database_->name() + std::string(suffix(FileKind::kShm)), true);
  if (!mapped && mapped.error().code() == Errc::kBusy) return false;
  TRY_ASSIGN(shm_, std::move(mapped));
  index_.emplace(*shm_);
  return true;
}

Status Seat::resize(FileKind kind, uint64_t bytes) const {
  const os::Fd& fd = kind == FileKind::kWal ? wal_ : file_;
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0) return {};
  return fail_errno(errno,
                    fmt::format("setting the size of {}{}", database_->name(), suffix(kind)));
}

void Seat::leave() {
  index_.reset();
  shm_.reset();
  wal_ = os::Fd();
  shared_.reset();
  file_ = os::Fd();
}

Seat::Lock Seat::lock_write() {
  return lock_wal(sqlite::kWalWriteLock);
}

Seat::Lock Seat::lock_wal(uint64_t first, int locks, LockKind kind) {
  return ByteLock::try_take(shm_->fd(), kind, {first, static_cast<uint64_t>(locks)});
}

std::optional<pid_t> Seat::wal_holder(uint64_t lock) const {
  return peer::conflicting_holder(shm_->fd(), LockKind::kExclusive, {lock, 1});
}

Seat::Lock Seat::lock_reserved() {
  return ByteLock::try_take(file_.get(), LockKind::kExclusive, kReserved);
}

Seat::Lock Seat::lock_pending() {
  return ByteLock::try_take(file_.get(), LockKind::kExclusive, kPending);
}

Result<bool> Seat::exclude_readers() {
  return shared_->strengthen();
}

std::optional<pid_t> Seat::reserved_holder() const {
  return peer::conflicting_holder(file_.get(), LockKind::kExclusive, kReserved);
}

std::optional<pid_t> Seat::reader() const {
  return peer::conflicting_holder(file_.get(), LockKind::kExclusive, kShared);
}

}  // namespace skerry::apply
