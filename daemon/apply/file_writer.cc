#include "daemon/apply/file_writer.h"

#include <fmt/format.h>

#include "ltx/sqlite/journal_reader.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::apply {

using db::FileKind;
using std::chrono::milliseconds;

namespace {

// How long new readers are kept out while old ones do not end, and how long they are let in then.
constexpr milliseconds kReadersWait{50};
constexpr milliseconds kReadersCome{10};
// Pages that are forgotten one by one; more of them: the whole file.
constexpr size_t kForgottenPagesMax = 256;
constexpr size_t kRunBytesMax = 256 * 1024;
constexpr int kAllWalLocks = 3 + sqlite::kWalReadLocks;

class JournalFile final : public ltx::RandomAccess {
 public:
  explicit JournalFile(os::File& file) : file_(file) {}
  Result<uint64_t> size() override {
    TRY_ASSIGN(const auto info, file_.info());
    return info.bytes;
  }
  Status read_at(uint64_t offset, ByteSpan into) override {
    TRY_ASSIGN(const size_t n, file_.read_at(os::Site("apply:journal:read"), offset, into));
    if (n < into.size()) return fail(Errc::kCorrupt, "the journal is cut off");
    return {};
  }

 private:
  os::File& file_;
};

}  // namespace

Result<bool> FileWriter::keep_writers_out(bool has_wal) {
  has_wal_ = has_wal;
  auto& lock = has_wal ? wal_write_ : reserved_;
  if (lock) return true;
  TRY_ASSIGN(lock, has_wal ? seat_.lock_write() : seat_.lock_reserved());
  return lock.has_value();
}

Result<bool> FileWriter::keep_all_out() {
  if (has_wal_) {
    if (wal_all_) return true;
    TRY_ASSIGN(wal_all_, seat_.lock_wal(sqlite::kWalWriteLock, kAllWalLocks));
    return wal_all_.has_value();
  }
  if (exclusive_) return true;
  const auto now = clock_.now();
  if (!pending_) {
    if (now < pending_again_) return false;
    TRY_ASSIGN(pending_, seat_.lock_pending());
    if (!pending_) return false;
    pending_since_ = now;
  }
  TRY_ASSIGN(exclusive_, seat_.exclude_readers());
  if (!exclusive_ && now - pending_since_ > kReadersWait) {
    pending_.reset();
    pending_again_ = now + kReadersCome;
  }
  return exclusive_;
}

void FileWriter::unlock() {
  // Without a WAL nothing is gained by SHARED, and writers of this node's own could not commit.
  if (!has_wal_) seat_.disconnect();
  exclusive_ = false;
  pending_.reset();
  reserved_.reset();
  wal_all_.reset();
  wal_write_.reset();
}

std::optional<pid_t> FileWriter::writer_in_the_way() const {
  if (has_wal_) return seat_.wal_holder(sqlite::kWalWriteLock);
  return reserved_ ? std::nullopt : seat_.reserved_holder();
}

std::optional<pid_t> FileWriter::reader_in_the_way() const {
  if (!has_wal_) return seat_.reader();
  for (int i = 0; i < sqlite::kWalReadLocks; ++i) {
    if (auto pid = seat_.wal_holder(sqlite::kWalReadLock0 + static_cast<uint64_t>(i))) return pid;
  }
  return std::nullopt;
}

Status FileWriter::roll_back_journal(const peer::OwnMount& mount) {
  auto opened = replica_.database().open_file(FileKind::kJournal);
  const auto file = replica_.view().file;
  if (!opened || !file) return {};
  JournalFile raw(**opened);
  TRY_ASSIGN(auto journal, sqlite::JournalReader::open(raw, sqlite::JournalUse::kHot));
  if (journal) {
    const PageSize page_size = journal->header().page_size;
    Bytes page(page_size.bytes());
    for (;;) {
      TRY_ASSIGN(const auto pgno, journal->next(page));
      if (!pgno) break;
      TRY(file->write_at(os::Site("apply:journal:restore"), page_offset(*pgno, page_size), page));
    }
    TRY(file->truncate(os::Site("apply:journal:truncate"),
                       uint64_t{journal->header().database_pages} * page_size.bytes()));
    TRY(file->sync(os::Site("apply:journal:sync")));
    cache_.forget(replica_.database(), FileKind::kDatabase, 0, 0);
  }
  return mount.unlink(replica_.database().name() + std::string(suffix(FileKind::kJournal)));
}

Status FileWriter::reserve(uint64_t bytes) {
  const auto file = replica_.view().file;
  TRY_ASSIGN(const auto info, file->info());
  if (bytes <= info.bytes) return {};
  TRY(seat_.resize(FileKind::kDatabase, bytes));
  auto reserved =
      file->allocate(os::Site("apply:database:reserve"), info.bytes, bytes - info.bytes);
  if (!reserved) (void)seat_.resize(FileKind::kDatabase, info.bytes);
  return reserved;
}

Status FileWriter::hide(const db::Received& received) {
  forget_pages(received);
  if (!has_wal_) return {};
  // To make a wal-index, readers must ask for the WAL's size.
  cache_.forget(replica_.database(), FileKind::kWal, 0, 0);
  return seat_.index().invalidate();
}

void FileWriter::forget_pages(const db::Received& received) {
  const db::Database& database = replica_.database();
  const PageSize page_size = received.header.page_size;
  if (received.pages.size() > kForgottenPagesMax) {
    cache_.forget(database, FileKind::kDatabase, 0, 0);
    return;
  }
  cache_.forget(database, FileKind::kDatabase, 0, page_size.bytes());
  for (const db::PageSum& page : received.pages) {
    cache_.forget(database, FileKind::kDatabase, page_offset(page.pgno, page_size),
                  page_size.bytes());
  }
  cache_.forget(database, FileKind::kDatabase, uint64_t{received.header.commit} * page_size.bytes(),
                0);
}

Status FileWriter::write(PageRun& pages, const db::Received& received) {
  const auto file = replica_.view().file;
  const PageSize page_size = received.header.page_size;
  const auto wal = replica_.view().wal;
  if (has_wal_ && wal) TRY(wal->truncate(os::Site("apply:wal:empty"), 0));
  Bytes run;
  PageNo first;
  const auto flush = [&]() -> Status {
    if (run.empty()) return {};
    return file->write_at(os::Site("apply:database:write"), page_offset(first, page_size), run);
  };
  const Status written = pages.for_each([&](PageNo pgno, ByteView page) -> Status {
    const auto due = first.value() + run.size() / page_size.bytes();
    if (run.empty() || pgno.value() != due || run.size() >= kRunBytesMax) {
      TRY(flush());
      run.clear();
      first = pgno;
    }
    append(run, page);
    return {};
  });
  TRY(written);
  TRY(flush());
  TRY(seat_.resize(FileKind::kDatabase, uint64_t{received.header.commit} * page_size.bytes()));
  forget_pages(received);
  return {};
}

}  // namespace skerry::apply
