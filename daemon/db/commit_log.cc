#include "daemon/db/commit_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "ltx/base/invariant.h"

namespace skerry::db {

Result<std::unique_ptr<CommitLog>> CommitLog::open(os::FileSystem& fs,
                                                   const std::string& database_dir,
                                                   LogSegment::Known known) {
  const std::string dir = database_dir + "/log";
  TRY(fs.make_directory(os::Site("log:directory"), dir));
  std::unique_ptr<CommitLog> log(new CommitLog(fs, dir));
  TRY(log->load(known));
  TRY_ASSIGN(log->levels_, LtxLevels::open(fs, database_dir + "/ltx"));
  // A merge that did not get to removing its segment is made anew.
  if (const Txid first = log->first(); first != Txid(0)) {
    TRY(log->levels_->drop_after(Txid(first.value() - 1)));
  }
  return log;
}

// Segments follow each other without a gap: a rolled one ends where the next begins.
Status CommitLog::load(LogSegment::Known known) {
  TRY_ASSIGN(auto entries, fs_.list(dir_));
  std::erase_if(entries, [](const os::DirEntry& e) { return !e.name.ends_with(".log"); });
  std::ranges::sort(entries, {}, &os::DirEntry::name);
  while (!entries.empty()) {
    const std::string path = dir_ + "/" + entries.back().name;
    TRY_ASSIGN(auto active, LogSegment::open_active(fs_, path, known));
    entries.pop_back();
    if (active->last() >= active->first()) {
      segments_.push_back(std::move(active));
      break;
    }
    TRY(fs_.remove(os::Site("log:remove"), path));  // created, but nothing was published in it
  }
  for (; !entries.empty(); entries.pop_back()) {
    const Txid last(segments_.front()->first().value() - 1);
    TRY_ASSIGN(auto rolled, LogSegment::open_rolled(fs_, dir_ + "/" + entries.back().name, last));
    segments_.insert(segments_.begin(), std::move(rolled));
  }
  if (!segments_.empty()) unsynced_.push_back(segments_.back());
  return {};
}

Result<std::shared_ptr<LogSegment>> CommitLog::segment_for(Txid first) {
  const std::lock_guard lock(mutex_);
  if (!segments_.empty() && !roll_.load()) {
    auto& active = segments_.back();
    if (next(active->last()) == first && active->end() < kSegmentBytesMax) return active;
  }
  return LogSegment::create(fs_, dir_, first);
}

Status CommitLog::write(RecordHead head, ByteSpan record) {
  INVARIANT(!pending_segment_ && record.size() > kRecordHeadBytes);
  TRY_ASSIGN(auto segment, segment_for(head.first));
  head.ltx_bytes = record.size() - kRecordHeadBytes;
  std::ranges::copy(encode(head), record.begin());
  const uint64_t offset = segment->end();
  if (auto written = segment->write(os::Site("commit:log:append"), offset, record); !written) {
    (void)segment->drop_after(segment->last());
    return written;
  }
  pending_ = {head, offset};
  pending_segment_ = std::move(segment);
  return {};
}

Status CommitLog::write_streamed(RecordHead head,
                                 const std::function<Status(const Sink&)>& produce) {
  INVARIANT(!pending_segment_);
  TRY_ASSIGN(auto segment, segment_for(head.first));
  const uint64_t offset = segment->end();
  uint64_t at = offset + kRecordHeadBytes;
  const Sink sink = [&](ByteView part) -> Status {
    TRY(segment->write(os::Site("commit:log:stream"), at, part));
    at += part.size();
    return {};
  };
  Status done = produce(sink);
  if (done) {
    head.ltx_bytes = at - offset - kRecordHeadBytes;
    done = segment->write(os::Site("commit:log:append"), offset, encode(head));
  }
  if (!done) {
    (void)segment->drop_after(segment->last());
    return done;
  }
  pending_ = {head, offset};
  pending_segment_ = std::move(segment);
  return {};
}

Status CommitLog::take_file(RecordHead head, const std::string& path) {
  INVARIANT(!pending_segment_);
  TRY_ASSIGN(auto segment, LogSegment::take(fs_, path, dir_, head.first));
  if (auto written = segment->write(os::Site("commit:log:append"), 0, encode(head)); !written) {
    (void)segment->drop_after(segment->last());
    return written;
  }
  pending_ = {head, 0};
  pending_segment_ = std::move(segment);
  pending_taken_from_ = path;
  return {};
}

Status CommitLog::mark_written(uint32_t flags) {
  INVARIANT(pending_segment_ != nullptr);
  RecordHead head = pending_.head;
  head.flags |= flags;
  TRY(pending_segment_->write(os::Site("commit:log:mark"), pending_.offset, encode(head)));
  pending_.head = head;
  return {};
}

Status CommitLog::sync_written() {
  INVARIANT(pending_segment_ != nullptr);
  TRY(pending_segment_->sync(os::Site("commit:log:sync")));
  if (pending_.offset != 0) return {};
  return fs_.sync_directory(os::Site("commit:log:sync-directory"), dir_);
}

LogSegment::Known CommitLog::publish() {
  INVARIANT(pending_segment_ != nullptr);
  const std::lock_guard lock(mutex_);
  if (segments_.empty() || segments_.back() != pending_segment_) {
    segments_.push_back(pending_segment_);
    directory_unsynced_ = true;
    roll_ = false;
  }
  if (unsynced_.empty() || unsynced_.back() != pending_segment_) {
    unsynced_.push_back(pending_segment_);
  }
  pending_segment_->publish(pending_);
  pending_segment_.reset();
  pending_taken_from_.clear();
  return {pending_.offset, pending_.head.last};
}

Status CommitLog::abandon() {
  if (!pending_segment_) return {};
  auto segment = std::move(pending_segment_);
  pending_segment_.reset();
  if (const std::string home = std::exchange(pending_taken_from_, {}); !home.empty()) {
    TRY(fs_.rename(os::Site("log:give-back"), segment->path(), home));
    return fs_.sync_directory(os::Site("log:give-back"), dir_);
  }
  TRY(segment->drop_after(segment->last()));
  return segment->sync(os::Site("log:drop:sync"));
}

Status CommitLog::sync() {
  std::vector<std::shared_ptr<LogSegment>> todo;
  bool directory = false;
  Txid upto;
  {
    const std::lock_guard lock(mutex_);
    todo.swap(unsynced_);
    std::swap(directory, directory_unsynced_);
    upto = segments_.empty() ? Txid(0) : segments_.back()->last();
  }
  Status done;
  for (const auto& segment : todo) {
    if (done) done = segment->sync(os::Site("log:sync"));
  }
  if (done && directory) done = fs_.sync_directory(os::Site("log:sync-directory"), dir_);
  const std::lock_guard lock(mutex_);
  if (done) {
    synced_ = std::max(synced_, upto);
  } else {
    unsynced_.insert(unsynced_.begin(), todo.begin(), todo.end());
    directory_unsynced_ = directory_unsynced_ || directory;
  }
  return done;
}

Status CommitLog::drop_after(Txid last) {
  INVARIANT(!pending_segment_);
  TRY(levels_->drop_after(last));
  const std::lock_guard lock(mutex_);
  while (!segments_.empty() && segments_.back()->first() > last) {
    TRY(fs_.remove(os::Site("log:remove"), segments_.back()->path()));
    segments_.pop_back();
    directory_unsynced_ = true;
  }
  // On disk too, so that a power cut does not bring back what was dropped.
  if (directory_unsynced_) TRY(fs_.sync_directory(os::Site("log:drop:sync"), dir_));
  directory_unsynced_ = false;
  if (!segments_.empty()) {
    TRY(segments_.back()->drop_after(last));
    TRY(segments_.back()->sync(os::Site("log:drop:sync")));
  }
  synced_ = std::min(synced_, last);
  return {};
}

void CommitLog::roll() {
  roll_ = true;
}

Status CommitLog::begin_segment() {
  INVARIANT(!pending_segment_);
  const std::lock_guard lock(mutex_);
  if (segments_.empty() || segments_.back()->last() < segments_.back()->first()) return {};
  TRY_ASSIGN(auto segment, LogSegment::create(fs_, dir_, next(segments_.back()->last())));
  segments_.push_back(std::move(segment));
  directory_unsynced_ = true;
  roll_ = false;
  return {};
}

Status CommitLog::reset() {
  INVARIANT(!pending_segment_);
  TRY(levels_->drop_after(Txid(0)));
  const std::lock_guard lock(mutex_);
  for (; !segments_.empty(); segments_.erase(segments_.begin())) {
    TRY(os::remove_if_exists(fs_, os::Site("log:remove"), segments_.front()->path()));
  }
  unsynced_.clear();
  synced_ = Txid(0);
  return {};
}

Txid CommitLog::first() const {
  const std::lock_guard lock(mutex_);
  const bool empty = segments_.empty() || segments_.front()->last() < segments_.front()->first();
  return empty ? Txid(0) : segments_.front()->first();
}

Txid CommitLog::last() const {
  const std::lock_guard lock(mutex_);
  return segments_.empty() ? Txid(0) : segments_.back()->last();
}

Txid CommitLog::synced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

std::optional<CommitLog::Found> CommitLog::find(Txid txid) const {
  const std::lock_guard lock(mutex_);
  auto after = std::ranges::upper_bound(
      segments_, txid, {}, [](const std::shared_ptr<LogSegment>& s) { return s->first(); });
  if (after == segments_.begin()) return std::nullopt;
  const auto& segment = *std::prev(after);
  if (auto place = segment->find(txid)) return Found{segment, *place};
  return std::nullopt;
}

Result<std::optional<StoredLtx>> CommitLog::stored(Txid txid) const {
  for (;;) {
    const Txid log_first = first();
    if (const auto found = find(txid)) {
      TRY_ASSIGN(auto record, found->segment->stored(found->place));
      return record;
    }
    auto merged = levels_->find(txid);
    // Merged in between: what the log had a moment ago is in another place now.
    const bool moved =
        first() != log_first || (!merged && merged.error().code() == Errc::kNotFound);
    if (!moved) return merged;
  }
}

Txid CommitLog::oldest() const {
  const auto files = levels_->files();
  return files.empty() ? first() : files.front().first;
}

std::vector<std::shared_ptr<LogSegment>> CommitLog::segments() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

Status CommitLog::remove_before(Txid txid) {
  const std::lock_guard lock(mutex_);
  while (segments_.size() > 1 && segments_.front()->last() < txid) {
    TRY(os::remove_if_exists(fs_, os::Site("log:remove"), segments_.front()->path()));
    segments_.erase(segments_.begin());
  }
  return {};
}

}  // namespace skerry::db
