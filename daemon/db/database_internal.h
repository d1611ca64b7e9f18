// What the parts of Database (database.cc, database_wal.cc, database_rollback.cc,
// database_recovery.cc) share, and nobody else sees.
#pragma once

#include <condition_variable>

#include "daemon/db/database.h"

namespace skerry::db {

// A commit that the gate holds. Either a WAL write, or the operation that ends a journal.
struct Database::Held {
  uint64_t offset = 0;
  Bytes piece;  // completes the commit
  Bytes rest;   // of the same write, behind it
  std::move_only_function<Status()> make_visible;
  Done done;
};

// Pages as the database file has them; zeros past its end.
class FilePages final : public PageReader {
 public:
  FilePages(os::File& file, PageSize size, ByteSpan scratch)
      : file_(file), size_(size), scratch_(scratch.first(size.bytes())) {}

  Result<ByteView> read(const Change& change) override {
    TRY_ASSIGN(const size_t n, file_.read_at(os::Site("capture:page:read"),
                                             page_offset(change.pgno, size_), scratch_));
    std::ranges::fill(scratch_.subspan(n), std::byte{0});
    return ByteView(scratch_);
  }

 private:
  os::File& file_;
  PageSize size_;
  ByteSpan scratch_;
};

// Pages as a reader of the WAL finds them.
class WalPages final : public PageReader {
 public:
  WalPages(WalCapture& wal, os::File* database, PageSize size, ByteSpan scratch)
      : wal_(wal), database_(database), size_(size), scratch_(scratch) {}

  Result<ByteView> read(const Change& change) override {
    if (change.frame != 0) return wal_.read_frame(change.frame, scratch_);
    if (database_ != nullptr) return FilePages(*database_, size_, scratch_).read(change);
    const ByteSpan page = scratch_.first(size_.bytes());
    std::ranges::fill(page, std::byte{0});
    return ByteView(page);
  }

 private:
  WalCapture& wal_;
  os::File* database_;
  PageSize size_;
  ByteSpan scratch_;
};

}  // namespace skerry::db
