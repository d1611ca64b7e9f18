#include "daemon/fusefs/stored_file.h"

#include "daemon/os/blocking.h"

namespace skerry::fusefs {

static Result<Attributes> attributes_of(os::File& file, uint32_t mode, uint32_t links) {
  TRY_ASSIGN(const os::FileInfo info, file.info());
  return Attributes{info.bytes, info.modified_ns, mode, links};
}

Result<Attributes> StoredFile::attributes() {
  // The mode is for people: a connection opened on a replica must be able to write later, so
  // nothing is refused for it.
  const bool shows_writable = kind_ == db::FileKind::kShm || hooks_.is_primary();
  return attributes_of(*file_, shows_writable ? 0100666 : 0100444, unlinked_ ? 0 : 1);
}

Result<size_t> StoredFile::read(uint64_t offset, ByteSpan into) {
  return file_->read_at(os::Site("file:read"), offset, into);
}

void StoredFile::write(uint64_t offset, ByteView data, db::Done done) {
  if (kind_ == db::FileKind::kShm) {
    done(file_->write_at(os::Site("file:shm:write"), offset, data));
    return;
  }
  const bool may_lack_journal = kind_ == db::FileKind::kDatabase;
  database_->write(kind_, file_, offset, data, std::move(done));
  if (may_lack_journal && database_->has_unjournaled_changes()) {
    hooks_.unjournaled_changes(database_);
  }
}

void StoredFile::truncate(uint64_t bytes, db::Done done) {
  database_->truncate(kind_, file_, bytes, std::move(done));
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
  if (unlinked_) {
    done({});
  } else if (kind_ == db::FileKind::kShm) {
    hooks_.wal_index_closed(database_, std::move(done));
  } else {
    if (database_->has_unjournaled_changes()) hooks_.unjournaled_changes(database_);
    done({});
  }
}

Result<Attributes> PlainFile::attributes() {
  return attributes_of(*file_, 0100666, links_);
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
