#include "daemon/db/wal_capture.h"

#include <algorithm>

#include "ltx/base/invariant.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::db {

static constexpr size_t kTailCacheBytesMax = 256 * 1024;
static constexpr size_t kIndexedPagesMax = 32 * 1024;

Result<size_t> WalCapture::File::read_at(uint64_t offset, ByteSpan into) {
  if (wal_ == nullptr) return size_t{0};
  return wal_->read_at(os::Site("capture:wal:read"), offset, into);
}

std::optional<sqlite::WalSalt> WalCapture::salt() const {
  if (!chain_.header()) return std::nullopt;
  return chain_.header()->salt;
}

void WalCapture::keep(uint32_t frame, ByteView page) {
  if (frame < tail_first_) return;
  const size_t at = size_t{frame - tail_first_} * page.size();
  if (at + page.size() > kTailCacheBytesMax || at > tail_pages_.size()) return;
  tail_pages_.resize(at);
  append(tail_pages_, page);
}

Result<WalCapture::Outcome> WalCapture::offer(uint64_t offset, ByteView data) {
  return chain_.offer(offset, data, file_);
}

Result<WalCapture::Effect> WalCapture::scan() {
  return chain_.scan(file_);
}

void WalCapture::resume(const sqlite::WalHeader& header, sqlite::WalEnd end, uint64_t file_bytes) {
  restart(header);
  chain_.resume(header, end, file_bytes);
  tail_first_ = end.frames + 1;
  index_complete_ = end.frames == 0;
}

void WalCapture::restart(const std::optional<sqlite::WalHeader>& header) {
  chain_.restart(header);
  tail_pages_.clear();
  tail_first_ = 1;
  newest_.clear();
  in_file_ = 0;
  index_complete_ = true;
}

void WalCapture::truncate(uint64_t file_bytes) {
  const uint32_t frames = chain_.end().frames;
  chain_.truncate(file_bytes);
  if (chain_.end().frames != frames || !chain_.header()) restart(chain_.header());
}

Status WalCapture::rewind(uint64_t offset) {
  INVARIANT(chain_.header().has_value());
  const sqlite::WalHeader header = *chain_.header();
  const auto frame = static_cast<uint32_t>((offset - sqlite::kWalHeaderBytes) /
                                           sqlite::wal_frame_bytes(header.page_size));
  resume(header, {0, header.checksum, header.checksum},
         sqlite::wal_frame_offset(frame + 1, header.page_size));
  for (;;) {
    TRY_ASSIGN(const Effect effect, scan());
    if (effect != Effect::kCompletes) break;
    commit();
  }
  return {};
}

void WalCapture::commit() {
  const uint32_t first = chain_.end().frames + 1;
  index_committed(chain_.tail(), first);
  chain_.commit();
  tail_first_ = chain_.end().frames + 1;
  tail_pages_.clear();
}

void WalCapture::adopt(const sqlite::WalHeader& header, sqlite::WalEnd end,
                       const std::vector<uint32_t>& pages) {
  if (salt() != header.salt) restart(header);
  chain_.resume(header, end, sqlite::wal_frame_offset(end.frames + 1, header.page_size));
  index_committed(pages, end.frames - static_cast<uint32_t>(pages.size()) + 1);
  tail_first_ = end.frames + 1;
  tail_pages_.clear();
}

void WalCapture::index_committed(const std::vector<uint32_t>& pages, uint32_t first_frame) {
  if (newest_.size() + pages.size() > kIndexedPagesMax) {
    std::unordered_map<uint32_t, Newest>().swap(newest_);
    in_file_ = 0;
    index_complete_ = false;
    return;
  }
  for (size_t i = 0; i < pages.size(); ++i) {
    Newest& newest = newest_[pages[i]];
    if (newest.in_file) --in_file_;
    newest = {first_frame + static_cast<uint32_t>(i), false};
  }
}

void WalCapture::refuse() {
  chain_.refuse();
}

void WalCapture::forget_unwritten() {
  chain_.forget_unwritten();
}

Result<ChangeSet> WalCapture::changes(uint32_t old_commit) {
  const sqlite::WalHeader& header = *chain_.header();
  ChangeSet set;
  set.page_size = header.page_size;
  set.commit = chain_.commit_pages();
  set.wal_salt = header.salt;
  set.wal_first = chain_.end().frames + 1;
  set.changes.reserve(chain_.tail().size());
  const PageNo lock = sqlite::lock_page(header.page_size);
  uint32_t frame = set.wal_first;
  for (const uint32_t pgno : chain_.tail()) {
    if (pgno <= set.commit && pgno != lock.value()) set.changes.push_back({PageNo(pgno), frame});
    ++frame;
  }
  set.wal_end = chain_.commit_end();
  // The newest frame of a page counts: sort by page, newest first, and keep one of each.
  std::ranges::sort(set.changes, [](const Change& a, const Change& b) {
    return a.pgno != b.pgno ? a.pgno < b.pgno : a.frame > b.frame;
  });
  const auto doubles = std::ranges::unique(set.changes, {}, &Change::pgno);
  set.changes.erase(doubles.begin(), doubles.end());
  TRY(add_unwritten(set, old_commit));
  return set;
}

// SQLite need not write a page that it allocated and freed within the transaction. Its content is
// whatever a reader would find there.
Status WalCapture::add_unwritten(ChangeSet& set, uint32_t old_commit) {
  if (set.commit <= old_commit) return {};
  const PageNo lock = sqlite::lock_page(set.page_size);
  std::vector<Change> missing;
  auto at = std::ranges::lower_bound(set.changes, PageNo(old_commit + 1), {}, &Change::pgno);
  for (uint32_t p = old_commit + 1; p <= set.commit; ++p) {
    if (at != set.changes.end() && at->pgno.value() == p) {
      ++at;
    } else if (p != lock.value()) {
      TRY_ASSIGN(const uint32_t frame, frame_of(PageNo(p)));
      missing.push_back({PageNo(p), frame});
    }
  }
  if (missing.empty()) return {};
  set.changes.insert(set.changes.end(), missing.begin(), missing.end());
  std::ranges::sort(set.changes, {}, &Change::pgno);
  return {};
}

Result<uint32_t> WalCapture::frame_of(PageNo pgno) {
  const auto found = newest_.find(pgno.value());
  if (found != newest_.end()) return found->second.frame;
  if (index_complete_ || !has_frames()) return 0;
  return find_frame_by_walking(pgno);
}

void WalCapture::checkpointed(PageNo pgno, bool as_newest) {
  const auto found = newest_.find(pgno.value());
  if (found == newest_.end() || found->second.in_file == as_newest) return;
  found->second.in_file = as_newest;
  as_newest ? ++in_file_ : --in_file_;
}

std::vector<PageNo> WalCapture::not_checkpointed() const {
  std::vector<PageNo> pages;
  if (in_file_ == newest_.size()) return pages;
  for (const auto& [pgno, newest] : newest_) {
    if (!newest.in_file) pages.emplace_back(pgno);
  }
  return pages;
}

Result<bool> WalCapture::build_index() {
  const uint32_t frames = chain_.end().frames;
  if (index_complete_ || frames > kIndexedPagesMax) return index_complete_;
  std::vector<uint32_t> pages(frames);
  for (uint32_t frame = 1; frame <= frames; ++frame) {
    std::array<std::byte, sqlite::kWalFrameHeaderBytes> raw;
    const uint64_t at = sqlite::wal_frame_offset(frame, chain_.header()->page_size);
    TRY_ASSIGN(const size_t n, file_.read_at(at, raw));
    if (n < raw.size()) return fail(Errc::kCorrupt, "WAL: a committed frame is missing");
    pages[frame - 1] = sqlite::decode_wal_frame_header(raw).pgno.value();
  }
  newest_.clear();
  in_file_ = 0;
  index_complete_ = true;
  index_committed(pages, 1);
  return true;
}

Result<uint32_t> WalCapture::find_frame_by_walking(PageNo pgno) {
  for (uint32_t frame = chain_.end().frames; frame > 0; --frame) {
    std::array<std::byte, sqlite::kWalFrameHeaderBytes> raw;
    const uint64_t at = sqlite::wal_frame_offset(frame, chain_.header()->page_size);
    TRY_ASSIGN(const size_t n, file_.read_at(at, raw));
    if (n < raw.size()) return fail(Errc::kCorrupt, "WAL: a committed frame is missing");
    if (sqlite::decode_wal_frame_header(raw).pgno == pgno) return frame;
  }
  return 0;
}

Result<ByteView> WalCapture::read_frame(uint32_t frame, ByteSpan scratch) {
  const uint32_t last = chain_.end().frames + static_cast<uint32_t>(chain_.tail().size());
  if (frame == last && chain_.commit_pages() != 0) return chain_.last_page();
  const size_t at = size_t{frame - tail_first_} * page_bytes();
  if (frame >= tail_first_ && at + page_bytes() <= tail_pages_.size()) {
    return ByteView(tail_pages_).subspan(at, page_bytes());
  }
  const ByteSpan page = scratch.first(page_bytes());
  const uint64_t offset =
      sqlite::wal_frame_offset(frame, chain_.header()->page_size) + sqlite::kWalFrameHeaderBytes;
  TRY_ASSIGN(const size_t n, file_.read_at(offset, page));
  if (n < page.size()) return fail(Errc::kCorrupt, "WAL: a frame is cut off");
  return ByteView(page);
}

}  // namespace skerry::db
