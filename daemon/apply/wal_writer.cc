#include "daemon/apply/wal_writer.h"

#include <random>

#include "ltx/base/invariant.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::apply {

using db::FileKind;

namespace {

// Frames are gathered so far before they are written. What is larger than that is left for the
// kernel to read when somebody wants it.
constexpr size_t kBufferBytes = 1024 * 1024;
constexpr size_t kBufferKeptBytesMax = 256 * 1024;
constexpr uint64_t kCachePageBytes = 4096;
// By how much the file grows at once, past its frames. Zeros end a WAL as its end does.
constexpr uint64_t kRoomBytes = 256 * 1024;

uint64_t whole_pages(uint64_t bytes) {
  return (bytes + kCachePageBytes - 1) / kCachePageBytes * kCachePageBytes;
}

uint32_t random_number() {
  static thread_local std::mt19937 random{std::random_device{}()};
  return static_cast<uint32_t>(random());
}

}  // namespace

// Does it tell of the same frames as the capture? It may lack the last ones, whose writer ended
// before it could show them; and it may be started over already, with the WAL's header still due.
bool WalWriter::index_fits(const db::Replica::View& view) const {
  if (!shown_) return false;
  const uint32_t frames = view.wal_header ? view.wal_end.frames : 0;
  if (shown_->max_frame == 0) return true;
  return view.wal_header && shown_->salt == view.wal_header->salt && shown_->max_frame <= frames;
}

Result<bool> WalWriter::prepare() {
  const auto view = replica_.view();
  file_ = view.wal;
  if (!file_) return false;  // removed this moment
  shown_ = seat_.index().header();
  if (!index_fits(view)) return rebuild(view);
  TRY(catch_up(view));
  return true;
}

// As SQLite's recovery does it.
Result<bool> WalWriter::rebuild(const db::Replica::View& view) {
  TRY_ASSIGN(const auto checkpoint, seat_.lock_wal(sqlite::kWalCheckpointLock));
  TRY_ASSIGN(const auto recover, seat_.lock_wal(sqlite::kWalRecoverLock));
  if (!checkpoint || !recover) return false;
  sqlite::WalIndexHeader header;
  std::vector<PageNo> pages;
  if (const auto page_size = PageSize::of(view.page_bytes)) header.page_size = *page_size;
  header.database_pages = view.commit;
  header.changes = shown_ ? shown_->changes + 1 : 1;
  if (view.wal_header && view.wal_end.frames != 0) {
    TRY_ASSIGN(pages, replica_.database().wal_pages(1, view.wal_end.frames));
    header.order = view.wal_header->order;
    header.page_size = view.wal_header->page_size;
    header.max_frame = view.wal_end.frames;
    header.frame_checksum = view.wal_end.writer_checksum;
    header.salt = view.wal_header->salt;
  } else {
    header.salt = {random_number(), random_number()};
  }
  // Nothing that could fail half-way: first the room.
  TRY(seat_.index_memory().grow(sqlite::wal_index_block(std::max(header.max_frame, 1u)) + 1));
  TRY(seat_.index().rebuild(header, pages));
  for (size_t mark = 1; mark < sqlite::kReadMarks; ++mark) {
    TRY_ASSIGN(const auto lock, seat_.lock_wal(sqlite::kWalReadLock0 + mark));
    if (lock) TRY(seat_.index().reset_read_mark(mark, header.max_frame));
  }
  shown_ = header;
  return true;
}

// Shows commits whose writer ended before it could.
Status WalWriter::catch_up(const db::Replica::View& view) {
  const bool same = view.wal_header && shown_->salt == view.wal_header->salt;
  if (!same || shown_->max_frame == view.wal_end.frames) return {};
  const uint32_t first = shown_->max_frame + 1;
  TRY_ASSIGN(const auto pages, replica_.database().wal_pages(first, view.wal_end.frames));
  cache_.forget(replica_.database(), FileKind::kWal,
                sqlite::wal_frame_offset(first, view.wal_header->page_size), 0);
  uint32_t frame = shown_->max_frame;
  for (const PageNo pgno : pages) {
    TRY(seat_.index().append(++frame, pgno, shown_->max_frame));
  }
  shown_->changes += 1;
  shown_->max_frame = view.wal_end.frames;
  shown_->database_pages = view.commit;
  shown_->page_size = view.wal_header->page_size;
  shown_->order = view.wal_header->order;
  shown_->frame_checksum = view.wal_end.writer_checksum;
  return seat_.index().write_header(*shown_);
}

// If all of the WAL is in the database file and nobody reads in it, the next frame is the first.
// Not beside a checkpoint: SQLite before 3.51.3 reads the wal-index's header before it looks how
// far the file is, and copies what it should not if the WAL is started over in between.
Status WalWriter::try_restart() {
  const uint32_t backfilled = seat_.index().backfilled();
  not_backfilled_ = shown_->max_frame - std::min(shown_->max_frame, backfilled);
  if (shown_->max_frame == 0 || not_backfilled_ != 0) return {};
  TRY_ASSIGN(const auto checkpoint, seat_.lock_wal(sqlite::kWalCheckpointLock));
  if (!checkpoint) return {};
  TRY_ASSIGN(const auto readers,
             seat_.lock_wal(sqlite::kWalReadLock0 + 1, sqlite::kWalReadLocks - 1));
  if (!readers) {
    for (uint64_t mark = 1; mark < sqlite::kReadMarks && !old_reader_; ++mark) {
      old_reader_ = seat_.wal_holder(sqlite::kWalReadLock0 + mark);
    }
    return {};
  }
  // From here on this process, too, finds all pages in the database file.
  replica_.forget_wal();
  TRY_ASSIGN(shown_, seat_.index().restart(*shown_, random_number()));
  return {};
}

Status WalWriter::begin(PageSize page_size, size_t frames) {
  const auto view = replica_.view();
  old_reader_.reset();
  TRY(try_restart());
  if (shown_->max_frame + frames > sqlite::kReadMarkNotUsed - 1) {
    return fail(Errc::kNoSpace, "the WAL would have more than 2^32 frames");
  }
  frame_ = shown_->max_frame;
  frame_last_ = frame_ + static_cast<uint32_t>(frames);
  if (frame_ != 0) {
    if (!view.wal_header || frame_ != view.wal_end.frames) {
      return fail(Errc::kBusy, "the WAL is being written by something that takes no locks");
    }
    header_ = *view.wal_header;
    checksum_ = view.wal_end.writer_checksum;
    INVARIANT(header_.page_size == page_size);
    start_ = sqlite::wal_frame_offset(frame_ + 1, page_size);
  } else {
    replica_.forget_wal();
    header_ = {};
    header_.page_size = page_size;
    header_.checkpoint_sequence = view.wal_header ? view.wal_header->checkpoint_sequence + 1 : 0;
    header_.salt = shown_->salt;
    if (header_.salt == sqlite::WalSalt{}) header_.salt = {random_number(), random_number()};
    const auto raw = encode(header_);
    header_ = *sqlite::decode_wal_header(raw);  // with its checksum
    checksum_ = header_.checksum;
    start_ = 0;
    buffer_at_ = 0;
    buffer_.assign(raw.begin(), raw.end());
  }
  if (start_ != 0) TRY(load_head());
  TRY(make_room());
  // Nothing may fail once frames that end in a commit are in the file.
  return seat_.index_memory().grow(sqlite::wal_index_block(frame_last_) + 1);
}

// What stands before the first frame in its page of the cache.
Status WalWriter::load_head() {
  buffer_at_ = start_ / kCachePageBytes * kCachePageBytes;
  buffer_.resize(start_ - buffer_at_);
  TRY_ASSIGN(const size_t n, file_->read_at(os::Site("apply:wal:read"), buffer_at_, buffer_));
  if (n < buffer_.size()) return fail(Errc::kCorrupt, "the WAL ends before its last frame");
  return {};
}

Status WalWriter::make_room() {
  const uint64_t end = whole_pages(sqlite::wal_frame_offset(frame_last_ + 1, header_.page_size));
  TRY_ASSIGN(const auto info, file_->info());
  if (info.bytes >= end) return {};
  return seat_.resize(FileKind::kWal, whole_pages(end + kRoomBytes));
}

Status WalWriter::write(PageRun& pages, uint32_t commit) {
  commit_ = commit;
  TRY(pages.for_each([&](PageNo pgno, ByteView page) -> Status {
    const bool is_last = frame_ + 1 == frame_last_;
    return put_frame(pgno, is_last ? commit : 0, page);
  }));
  INVARIANT(frame_ == frame_last_);
  buffer_.resize(whole_pages(buffer_.size()));
  TRY(flush());
  if (buffer_at_ <= start_) {
    cache_.store(replica_.database(), FileKind::kWal, buffer_at_, buffer_);
  } else {
    cache_.forget(replica_.database(), FileKind::kWal, start_, 0);
  }
  if (buffer_.capacity() > kBufferKeptBytesMax) Bytes().swap(buffer_);
  return {};
}

Status WalWriter::put_frame(PageNo pgno, uint32_t commit, ByteView page) {
  if (buffer_.size() >= kBufferBytes) {
    // Whole pages of it; the rest begins the next piece.
    Bytes rest(buffer_.begin() + kBufferBytes, buffer_.end());
    buffer_.resize(kBufferBytes);
    TRY(flush());
    buffer_at_ += kBufferBytes;
    buffer_ = std::move(rest);
  }
  checksum_ = sqlite::wal_frame_checksum(checksum_, header_.order, pgno, commit, page);
  const size_t at = buffer_.size();
  buffer_.resize(at + sqlite::kWalFrameHeaderBytes);
  encode(sqlite::WalFrameHeader{pgno, commit, header_.salt, checksum_},
         ByteSpan(buffer_).subspan(at).first<sqlite::kWalFrameHeaderBytes>());
  append(buffer_, page);
  TRY(seat_.index().append(++frame_, pgno, shown_->max_frame));
  return {};
}

Status WalWriter::flush() {
  return file_->write_at(os::Site("apply:wal:write"), buffer_at_, buffer_);
}

Status WalWriter::show() {
  sqlite::WalIndexHeader header = *shown_;
  header.changes += 1;
  header.order = header_.order;
  header.page_size = header_.page_size;
  header.max_frame = frame_;
  header.database_pages = commit_;
  header.frame_checksum = checksum_;
  header.salt = header_.salt;
  TRY(seat_.index().write_header(header));
  shown_ = header;
  not_backfilled_ = frame_ - std::min(frame_, seat_.index().backfilled());
  return {};
}

// What was appended to the wal-index lies above its last frame: the next writer clears it. Without
// its first frame, what is in the file is nothing.
void WalWriter::undo() {
  const std::array<std::byte, sqlite::kWalFrameHeaderBytes> nothing{};
  (void)file_->write_at(os::Site("apply:wal:undo"), start_, nothing);
  cache_.forget(replica_.database(), FileKind::kWal, start_, 0);
}

}  // namespace skerry::apply
