#include "daemon/apply/checkpoint.h"

#include <algorithm>

#include "ltx/sqlite/lock_bytes.h"

namespace skerry::apply {

using db::FileKind;
using peer::LockKind;

namespace {

// Frames that are looked at together: 8 bytes of memory for each.
constexpr uint32_t kFramesAtOnce = 64 * 1024;
constexpr size_t kRunBytesMax = 256 * 1024;
// Past that, the kernel is left to read what somebody wants.
constexpr uint32_t kStoredFramesMax = 8 * 1024;
constexpr size_t kLastMark = sqlite::kReadMarks - 1;

}  // namespace

Result<Checkpoint::Outcome> Checkpoint::run() {
  outcome_ = {};
  view_ = replica_.view();
  TRY_ASSIGN(const auto exclusive, seat_.lock_wal(sqlite::kWalCheckpointLock));
  if (!exclusive || !view_.wal_header || !view_.wal) return outcome_;
  // As long as one read mark is held the WAL is not started over.
  TRY_ASSIGN(auto last_mark,
             seat_.lock_wal(sqlite::kWalReadLock0 + kLastMark, 1, LockKind::kShared));
  if (!last_mark) return outcome_;
  const auto header = seat_.index().header();
  // Frames that are shown but not counted yet wait for the next time.
  if (!header || header->salt != view_.wal_header->salt ||
      header->max_frame > view_.wal_end.frames) {
    return outcome_;
  }
  header_ = *header;
  outcome_.frames = header_.max_frame;
  outcome_.backfilled = seat_.index().backfilled();
  TRY_ASSIGN(const uint32_t upto, frames_not_read(header_.max_frame, *last_mark));
  if (upto > outcome_.backfilled) TRY(copy_all(upto));
  return outcome_;
}

// How far the WAL may be copied: no reader of an older state looks for those pages in the file.
Result<uint32_t> Checkpoint::frames_not_read(uint32_t max_frame, peer::ByteLock& last_mark) {
  uint32_t upto = max_frame;
  for (size_t mark = 1; mark < sqlite::kReadMarks; ++mark) {
    const uint32_t reads = seat_.index().read_mark(mark);
    if (reads >= upto) continue;
    bool nobody = false;
    std::optional<peer::ByteLock> lock;
    if (mark == kLastMark) {
      TRY_ASSIGN(nobody, last_mark.strengthen());
    } else {
      TRY_ASSIGN(lock, seat_.lock_wal(sqlite::kWalReadLock0 + mark));
      nobody = lock.has_value();
    }
    if (nobody) {
      TRY(seat_.index().set_read_mark(mark, mark == 1 ? upto : sqlite::kReadMarkNotUsed));
      if (mark == kLastMark) TRY(last_mark.weaken());
    } else {
      upto = reads;
      outcome_.old_reader = seat_.wal_holder(sqlite::kWalReadLock0 + mark).value_or(-1);
    }
  }
  return upto;
}

Status Checkpoint::copy_all(uint32_t upto) {
  // What the WAL's frames could be derived from again must last longer than they do.
  TRY(replica_.database().log().sync());
  TRY(view_.wal->sync(os::Site("checkpoint:wal:sync")));
  TRY_ASSIGN(const auto file_readers, seat_.lock_wal(sqlite::kWalReadLock0));
  if (!file_readers) return {};
  TRY(seat_.index().set_backfill_attempted(upto));
  store_ = upto - outcome_.backfilled <= kStoredFramesMax;
  while (outcome_.backfilled < upto) {
    const uint32_t first = outcome_.backfilled + 1;
    const uint32_t last = std::min(upto, outcome_.backfilled + kFramesAtOnce);
    TRY_ASSIGN(const auto pages, choose(first, last));
    if (!pages.empty()) TRY(make_room(pages.back().pgno.value()));
    TRY(copy(pages));
    if (last == header_.max_frame) TRY(finish());
    outcome_.backfilled = last;
    if (!store_) cache_.forget(replica_.database(), FileKind::kDatabase, 0, 0);
    TRY(seat_.index().set_backfilled(last));
  }
  return {};
}

// Pages in order, each with its newest frame of these.
Result<std::vector<Checkpoint::Copy>> Checkpoint::choose(uint32_t first, uint32_t last) {
  std::vector<Copy> pages;
  pages.reserve(last - first + 1);
  for (uint32_t frame = first; frame <= last; ++frame) {
    TRY_ASSIGN(const PageNo pgno, seat_.index().page_of(frame));
    if (pgno.value() <= header_.database_pages) pages.push_back({pgno, frame});
  }
  std::ranges::sort(pages, [](const Copy& a, const Copy& b) {
    return a.pgno != b.pgno ? a.pgno < b.pgno : a.frame > b.frame;
  });
  const auto doubles = std::ranges::unique(pages, {}, &Copy::pgno);
  pages.erase(doubles.begin(), doubles.end());
  return pages;
}

Status Checkpoint::copy(std::span<const Copy> pages) {
  const size_t run_max = std::max<size_t>(1, kRunBytesMax / header_.page_size.bytes());
  std::vector<PageNo> copied;
  copied.reserve(pages.size());
  for (const Copy& page : pages) copied.push_back(page.pgno);
  while (!pages.empty()) {
    size_t n = 1;
    while (n < pages.size() && n < run_max && pages[n].pgno == next(pages[n - 1].pgno)) ++n;
    TRY(copy_run(pages.first(n)));
    pages = pages.subspan(n);
  }
  replica_.note_checkpointed(copied);
  return {};
}

Status Checkpoint::copy_run(std::span<const Copy> run) {
  const size_t page_bytes = header_.page_size.bytes();
  buffer_.resize(run.size() * page_bytes);
  for (size_t i = 0; i < run.size(); ++i) {
    const ByteSpan page = ByteSpan(buffer_).subspan(i * page_bytes, page_bytes);
    const uint64_t at =
        sqlite::wal_frame_offset(run[i].frame, header_.page_size) + sqlite::kWalFrameHeaderBytes;
    TRY_ASSIGN(const size_t n, view_.wal->read_at(os::Site("checkpoint:wal:read"), at, page));
    if (n < page_bytes) return fail(Errc::kCorrupt, "checkpoint: the WAL is cut off");
  }
  const uint64_t to = page_offset(run.front().pgno, header_.page_size);
  TRY(view_.file->write_at(os::Site("checkpoint:database:write"), to, buffer_));
  if (store_) cache_.store(replica_.database(), FileKind::kDatabase, to, buffer_);
  return {};
}

Status Checkpoint::make_room(uint32_t last_page) {
  const uint64_t bytes = uint64_t{last_page} * header_.page_size.bytes();
  TRY_ASSIGN(const auto info, view_.file->info());
  return info.bytes < bytes ? seat_.resize(FileKind::kDatabase, bytes) : Status();
}

// All of the WAL is in the file: it has the database's size, and lasts.
Status Checkpoint::finish() {
  const uint64_t bytes = uint64_t{header_.database_pages} * header_.page_size.bytes();
  TRY_ASSIGN(const auto info, view_.file->info());
  if (info.bytes > bytes) TRY(seat_.resize(FileKind::kDatabase, bytes));
  return view_.file->sync(os::Site("checkpoint:database:sync"));
}

}  // namespace skerry::apply
