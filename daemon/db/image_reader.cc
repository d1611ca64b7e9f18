#include "daemon/db/image_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/db/database_internal.h"
#include "daemon/os/blocking.h"
#include "ltx/checksum.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::db {

// Entries of the checksum table that are looked at with the mutex held for once.
static constexpr uint32_t kComparedAtOnceMax = 64 * 1024;

Result<std::unique_ptr<ImageReader>> ImageReader::open(std::shared_ptr<Database> database, Of of,
                                                       std::chrono::milliseconds uncommitted_wait) {
  std::unique_ptr<ImageReader> reader(new ImageReader(std::move(database), of, uncommitted_wait));
  Database& db = *reader->database_;
  const std::lock_guard lock(db.mutex_);
  if (db.history_->watches() >= kImageReadersMax) {
    return fail(Errc::kBusy,
                fmt::format("database {}: {} snapshots, exports or catch-ups of it run already; "
                            "try again later",
                            db.name(), kImageReadersMax));
  }
  db.history_->add_watch(reader.get());
  reader->page_bytes_ = db.history_->state().page_bytes;
  return reader;
}

ImageReader::~ImageReader() {
  const std::lock_guard lock(database_->mutex_);
  database_->history_->remove_watch(this);
}

void ImageReader::published(const TableState& before, const TableState& after,
                            std::span<const PageSum> pages) {
  changed_.notify_all();
  // Without pages it is another state altogether: an image of another node took the place.
  if (after.page_bytes != page_bytes_ || after.commit == 0 || pages.empty()) {
    restart_ = true;
    return;
  }
  if (after.commit < before.commit) again_.erase_after(after.commit);
  for (const PageSum& page : pages) {
    if (page.pgno < cursor_) again_.insert(page.pgno);
  }
}

void ImageReader::restart(Batch& batch) {
  const bool from_nothing = page_bytes_ == 0;
  restart_ = false;
  page_bytes_ = state().page_bytes;
  if (!from_nothing) of_ = Of::kEverything;
  cursor_ = lap_ = PageNo(1);
  again_.clear();
  final_bytes_ = kFinalBytes;
  batch.restart = !from_nothing;
}

ImageReader::Progress ImageReader::progress() const {
  const std::lock_guard lock(database_->mutex_);
  return {std::min(cursor_.value() - 1, state().commit), state().commit};
}

size_t ImageReader::pages_of(size_t bytes) const {
  return std::max<size_t>(1, bytes / page_bytes_);
}

Status ImageReader::next(Batch& batch) {
  batch.restart = batch.needs_checksums = false;
  batch.pages.clear();
  batch.end.reset();
  const os::BlockingScope blocking;
  Lock lock(database_->mutex_);
  if (restart_) restart(batch);
  if (page_bytes_ == 0 || state().commit == 0) return finish(lock, batch);
  batch.page_size = *PageSize::of(page_bytes_);
  TRY_ASSIGN(const bool indexed, index_wal());
  if (!indexed) return {};
  if (!first_pass_done()) {
    choose_first_pass(batch);
  } else if (again_.count() <= pages_of(final_bytes_)) {
    return finish(lock, batch);
  } else {
    choose_again(batch);
  }
  if (batch.pages.empty()) return {};
  const std::shared_ptr<os::File> file = database_->file(FileKind::kDatabase);
  const bool lap = first_pass_done();
  lock.unlock();
  std::vector<Checksum> sums;
  TRY(read_chosen(file.get(), batch, sums));
  lock.lock();
  if (restart_) {
    batch.pages.clear();
    return {};
  }
  TRY_ASSIGN(const uint32_t uncommitted, keep_committed(batch, sums));
  if (lap && batch.pages.empty() && uncommitted > 0) return wait_for_transaction(lock);
  return {};
}

// True once every page's newest frame can be looked up without walking the WAL.
Result<bool> ImageReader::index_wal() {
  auto& wal = database_->file(FileKind::kWal);
  if (database_->wal_.indexed() || !wal) {
    frames_.clear();
    return true;
  }
  return frames_.advance(database_->wal_, *wal);
}

void ImageReader::peer_checksums(std::vector<Checksum> checksums) {
  const std::lock_guard lock(database_->mutex_);
  peer_complete_ = checksums.empty();
  peer_first_ = PageNo(peer_first_.value() + static_cast<uint32_t>(checksums.size()));
  peer_sums_ = std::move(checksums);
}

// Is the page of the first pass one that the peer lacks? Only for pages before peer_first_, or any
// if the peer has no others.
bool ImageReader::wanted(PageNo pgno) {
  if (of_ == Of::kEverything || pgno >= peer_first_) return true;
  const uint32_t back = peer_first_.value() - pgno.value();
  if (back > peer_sums_.size()) return true;
  return peer_sums_[peer_sums_.size() - back] != table().get(pgno);
}

void ImageReader::choose_first_pass(Batch& batch) {
  const size_t pages_max = pages_of(kBatchBytes);
  const PageNo lock_page = sqlite::lock_page(batch.page_size);
  for (uint32_t n = 0; n < kComparedAtOnceMax && !first_pass_done(); ++n) {
    if (of_ == Of::kDifferences && !peer_complete_ && cursor_ >= peer_first_) {
      batch.needs_checksums = batch.pages.empty();
      return;
    }
    if (cursor_ != lock_page && wanted(cursor_)) batch.pages.push_back(cursor_);
    cursor_ = skerry::next(cursor_);
    if (batch.pages.size() == pages_max) return;
  }
}

void ImageReader::choose_again(Batch& batch) {
  const size_t pages_max = pages_of(kBatchBytes);
  while (batch.pages.size() < pages_max) {
    const PageNo pgno = again_.first_from(lap_);
    if (pgno == PageNo(0)) {
      lap_ = PageNo(1);
      final_bytes_ = std::min(final_bytes_ * 2, kFinalBytesMax);
      return;
    }
    again_.erase(pgno);
    batch.pages.push_back(pgno);
    lap_ = skerry::next(pgno);
  }
}

// Reads the chosen pages from the database file, neighbours together, and sums them up. What they
// are worth shows later.
Status ImageReader::read_chosen(os::File* file, Batch& batch, std::vector<Checksum>& sums) const {
  const size_t page_bytes = batch.page_size.bytes();
  batch.content.resize(batch.pages.size() * page_bytes);
  sums.reserve(batch.pages.size());
  for (size_t i = 0; i < batch.pages.size();) {
    size_t end = i + 1;
    while (end < batch.pages.size() && batch.pages[end] == skerry::next(batch.pages[end - 1]))
      ++end;
    const ByteSpan run = ByteSpan(batch.content).subspan(i * page_bytes, (end - i) * page_bytes);
    size_t read = 0;
    if (file != nullptr) {
      TRY_ASSIGN(read, file->read_at(os::Site("image:read"),
                                     page_offset(batch.pages[i], batch.page_size), run));
    }
    std::ranges::fill(run.subspan(read), std::byte{0});
    i = end;
  }
  for (size_t i = 0; i < batch.pages.size(); ++i) {
    sums.push_back(ltx::page_checksum(batch.pages[i], batch.page(i)));
  }
  return {};
}

// Leaves in the batch what is committed, read anew where it must be; notes the rest in again_ and
// says how many those are.
Result<uint32_t> ImageReader::keep_committed(Batch& batch, const std::vector<Checksum>& sums) {
  const size_t page_bytes = batch.page_size.bytes();
  uint32_t uncommitted = 0;
  size_t kept = 0;
  for (size_t i = 0; i < batch.pages.size(); ++i) {
    const PageNo pgno = batch.pages[i];
    if (pgno.value() > state().commit) continue;
    const ByteSpan into = ByteSpan(batch.content).subspan(kept * page_bytes, page_bytes);
    if (sums[i] == table().get(pgno)) {
      if (kept != i) std::ranges::copy(batch.page(i), into.begin());
    } else {
      TRY_ASSIGN(const bool committed, read_committed(pgno, into));
      if (!committed) {
        again_.insert(pgno);
        ++uncommitted;
        continue;
      }
    }
    again_.erase(pgno);
    batch.pages[kept++] = pgno;
  }
  batch.pages.resize(kept);
  batch.content.resize(kept * page_bytes);
  return uncommitted;
}

// False if it cannot be read now: the file holds what a transaction has not committed yet.
Result<bool> ImageReader::read_committed(PageNo pgno, ByteSpan into) {
  Database& db = *database_;
  TRY_ASSIGN(const bool indexed, index_wal());
  if (!indexed) return false;
  uint32_t frame = 0;
  if (db.wal_.indexed()) {
    TRY_ASSIGN(frame, db.wal_.frame_of(pgno));
  } else {
    frame = frames_.frame_of(pgno);
  }
  TRY_ASSIGN(bool committed, read_version(pgno, frame, into));
  if (!committed && !db.wal_.indexed()) {  // the map does not notice when frames are taken back
    TRY_ASSIGN(frame, db.wal_.frame_of(pgno));
    TRY_ASSIGN(committed, read_version(pgno, frame, into));
  }
  if (committed) return true;
  if (frame == 0 && has_uncommitted()) return false;
  return std::unexpected(corrupt(pgno, frame != 0).error());
}

Result<bool> ImageReader::read_version(PageNo pgno, uint32_t frame, ByteSpan into) {
  Database& db = *database_;
  if (frame != 0) {
    TRY_ASSIGN(const ByteView page, db.wal_.read_frame(frame, db.scratch_));
    std::ranges::copy(page, into.begin());
  } else if (auto& file = db.file(FileKind::kDatabase)) {
    FilePages pages(*file, *PageSize::of(page_bytes_), into);
    TRY(pages.read({pgno, 0}));
  }
  return ltx::page_checksum(pgno, into) == table().get(pgno);
}

bool ImageReader::has_uncommitted() const {
  return database_->rollback_.touched() || database_->unjournaled_ ||
         database_->applying_ != Database::Applying::kNo;
}

Status ImageReader::corrupt(PageNo pgno, bool in_wal) const {
  return fail(Errc::kCorrupt,
              fmt::format("database {}: page {} in the {} is not what was committed; something "
                          "else wrote the file, or the disk is failing: compare with another node "
                          "and replace this copy",
                          database_->name(), pgno.value(), in_wal ? "WAL" : "database file"));
}

// The last round: everything that is left, and the position, in one.
Status ImageReader::finish(Lock& lock, Batch& batch) {
  if (page_bytes_ != 0) batch.page_size = *PageSize::of(page_bytes_);
  const size_t page_bytes = batch.page_size.bytes();
  batch.content.resize(size_t{again_.count()} * page_bytes);
  for (PageNo p = again_.first_from(PageNo(1)); p != PageNo(0);
       p = again_.first_from(skerry::next(p))) {
    const ByteSpan into =
        ByteSpan(batch.content).subspan(batch.pages.size() * page_bytes, page_bytes);
    TRY_ASSIGN(const bool committed, read_committed(p, into));
    if (!committed) {
      batch.pages.clear();
      return wait_for_transaction(lock);
    }
    batch.pages.push_back(p);
  }
  again_.clear();
  const TableState& now = state();
  batch.end = End{now.position, now.epoch, now.timestamp_ms, now.commit, batch.page_size};
  return {};
}

// Until the transaction that wrote the file has committed or is rolled back.
Status ImageReader::wait_for_transaction(Lock& lock) {
  const Position before = state().position;
  const auto over = [&] { return restart_ || state().position != before || !has_uncommitted(); };
  if (changed_.wait_for(lock, uncommitted_wait_, over)) return {};
  return fail(Errc::kBusy,
              fmt::format("database {}: a write transaction has been open for {} ms and more; end "
                          "it, or open the database if its program is gone, and try again",
                          database_->name(), uncommitted_wait_.count()));
}

std::vector<Checksum> committed_checksums(Database& database, PageNo first, uint32_t count) {
  const std::lock_guard lock(database.mutex_);
  const History& history = *database.history_;
  const uint32_t pages = history.state().commit;
  std::vector<Checksum> sums;
  if (first.value() > pages) return sums;
  sums.resize(std::min({count, kComparedAtOnceMax, pages - first.value() + 1}));
  for (uint32_t i = 0; i < sums.size(); ++i) {
    sums[i] = history.table().get(PageNo(first.value() + i));
  }
  return sums;
}

Result<ImageReader::End> write_image(ImageReader& reader, os::File& file) {
  ImageReader::Batch batch;
  do {
    TRY(reader.next(batch));
    if (batch.restart) TRY(file.truncate(os::Site("image:write:restart"), 0));
    for (size_t i = 0; i < batch.pages.size(); ++i) {
      TRY(file.write_at(os::Site("image:write"), page_offset(batch.pages[i], batch.page_size),
                        batch.page(i)));
    }
  } while (!batch.end);
  const uint64_t bytes = uint64_t{batch.end->commit} * batch.end->page_size.bytes();
  TRY(file.truncate(os::Site("image:write:end"), bytes));
  return *batch.end;
}

}  // namespace skerry::db
