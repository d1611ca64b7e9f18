#include "daemon/fusefs/stored_file.h"

#include "daemon/os/blocking.h"

namespace skerry::fusefs {

// On the file behind it: its mode was chosen. (The bit means nothing on a regular file.)
static constexpr uint32_t kChosen = 01000;
static constexpr uint32_t kPermissions = 0777;
static constexpr uint32_t kWriteBits = 0222;

Result<Attributes> StoredFile::attributes() {
  TRY_ASSIGN(const os::FileInfo info, file_->info());
  const bool shows_writable = kind_ == db::FileKind::kShm || hooks_.is_primary();
  uint32_t permissions = (info.mode & kChosen) != 0 ? info.mode & kPermissions : 0666;
  if (!shows_writable) permissions &= ~kWriteBits;
  return Attributes{info.bytes, info.modified_ns, 0100000 | permissions, unlinked_ ? 0u : 1u};
}

Status StoredFile::set_permissions(uint32_t permissions) {
  return file_->set_mode(os::Site("file:mode"), kChosen | (permissions & kPermissions));
}

bool StoredFile::has_chosen_permissions() {
  const auto info = file_->info();
  return info && (info->mode & kChosen) != 0;
}

bool StoredFile::permits(uint32_t uid, uint32_t wanted) {
  const auto info = file_->info();
  if (uid == 0 || !info || (info->mode & kChosen) == 0) return true;
  return (wanted & ~(info->mode >> 6)) == 0;
}

Result<size_t> StoredFile::read(uint64_t offset, ByteSpan into) {
  return file_->read_at(os::Site("file:read"), offset, into);
}

void StoredFile::write(uint64_t offset, ByteView data, db::Done done) {
  if (kind_ == db::FileKind::kShm) {
    done(file_->write_at(os::Site("file:shm:write"), offset, data));
    return;
  }
  database_->write(kind_, file_, offset, data, std::move(done));
  report_changes();
}

void StoredFile::truncate(uint64_t bytes, db::Done done) {
  database_->truncate(kind_, file_, bytes, std::move(done));
  report_changes();
}

void StoredFile::report_changes() {
  if (kind_ == db::FileKind::kDatabase && database_->has_unjournaled_changes()) {
    hooks_.unjournaled_changes(database_);
  }
}

void StoredFile::sync(db::Done done) {
  database_->sync(kind_, file_, std::move(done));
}

Status StoredFile::allocate(uint64_t offset, uint64_t bytes) {
  return database_->allocate(kind_, file_, offset, bytes);
}

void StoredFile::flush(db::Done done) {
  if (unlinked_ || kind_ != db::FileKind::kShm) {
    done({});
  } else {
    hooks_.wal_index_closed(database_, std::move(done));
  }
}

Result<Attributes> PlainFile::attributes() {
  TRY_ASSIGN(const os::FileInfo info, file_->info());
  return Attributes{info.bytes, info.modified_ns, 0100666, links_};
}

Result<size_t> PlainFile::read(uint64_t offset, ByteSpan into) {
  return file_->read_at(os::Site("file:read"), offset, into);
}

void PlainFile::write(uint64_t offset, ByteView data, db::Done done) {
  done(file_->write_at(os::Site("file:plain:write"), offset, data));
}

void PlainFile::truncate(uint64_t bytes, db::Done done) {
  done(file_->truncate(os::Site("file:plain:truncate"), bytes));
}

void PlainFile::sync(db::Done done) {
  const os::BlockingScope blocking;
  done(file_->sync(os::Site("file:plain:sync")));
}

Status PlainFile::allocate(uint64_t offset, uint64_t bytes) {
  return file_->allocate(os::Site("file:plain:allocate"), offset, bytes);
}

}  // namespace skerry::fusefs
