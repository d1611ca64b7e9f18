#include "daemon/db/log_segment.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::db {

// A record larger than this is not one of ours: no database reaches it.
static constexpr uint64_t kRecordBytesMax = uint64_t{1} << 47;

LogSegment::LogSegment(os::FileSystem& fs, std::string path, Txid first)
    : fs_(fs), path_(std::move(path)), first_(first), last_(first.value() - 1) {}

Result<std::shared_ptr<LogSegment>> LogSegment::named(os::FileSystem& fs, const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto first = parse_hex16(std::string_view(name).substr(0, 16));
  if (!first || *first == 0 || name.size() != 20 || !name.ends_with(".log")) {
    return fail(Errc::kInvalid, fmt::format("{}: not the name of a commit log", path));
  }
  return std::shared_ptr<LogSegment>(new LogSegment(fs, path, Txid(*first)));
}

Result<std::shared_ptr<LogSegment>> LogSegment::create(os::FileSystem& fs, const std::string& dir,
                                                       Txid first) {
  const std::string path = fmt::format("{}/{}.log", dir, to_string(first));
  std::shared_ptr<LogSegment> segment(new LogSegment(fs, path, first));
  TRY_ASSIGN(segment->file_, fs.open(os::Site("log:create"), path, os::OpenMode::kTruncate));
  segment->complete_ = true;
  return segment;
}

Result<std::shared_ptr<LogSegment>> LogSegment::take(os::FileSystem& fs, const std::string& path,
                                                     const std::string& dir, Txid first) {
  const std::string target = fmt::format("{}/{}.log", dir, to_string(first));
  TRY(fs.rename(os::Site("commit:log:take"), path, target));
  std::shared_ptr<LogSegment> segment(new LogSegment(fs, target, first));
  TRY_ASSIGN(segment->file_, fs.open(os::Site("log:open"), target, os::OpenMode::kReadWrite));
  segment->complete_ = true;
  return segment;
}

Result<std::shared_ptr<LogSegment>> LogSegment::open_rolled(os::FileSystem& fs,
                                                            const std::string& path, Txid last) {
  TRY_ASSIGN(auto segment, named(fs, path));
  segment->last_ = last;
  return segment;
}

Result<std::shared_ptr<LogSegment>> LogSegment::open_active(os::FileSystem& fs,
                                                            const std::string& path, Known known) {
  TRY_ASSIGN(auto segment, named(fs, path));
  const std::lock_guard lock(segment->mutex_);
  TRY_ASSIGN(os::File * file, segment->file());
  std::array<std::byte, kRecordHeadBytes> raw;
  TRY_ASSIGN(const size_t n, file->read_at(os::Site("log:scan"), known.offset, raw));
  const auto head = n == raw.size() ? decode_record_head(raw) : std::nullopt;
  const bool found = head && head->last == known.last && head->first >= segment->first_;
  TRY(segment->walk(found ? known.offset : 0, found ? head->first : segment->first_,
                    segment->records_));
  segment->complete_ = !found || known.offset == 0;
  if (!segment->records_.empty()) segment->last_ = segment->records_.back().head.last;
  return segment;
}

Result<os::File*> LogSegment::file() const {
  if (!file_) {
    TRY_ASSIGN(file_, fs_.open(os::Site("log:open"), path_, os::OpenMode::kReadWrite));
  }
  return file_.get();
}

// Appends the records from `offset` on, the first of which must begin with txid `due`.
Status LogSegment::walk(uint64_t offset, Txid due, std::vector<RecordPlace>& into) const {
  TRY_ASSIGN(os::File * file, this->file());
  TRY_ASSIGN(const auto info, file->info());
  for (;;) {
    std::array<std::byte, kRecordHeadBytes> raw;
    TRY_ASSIGN(const size_t n, file->read_at(os::Site("log:scan"), offset, raw));
    if (n < raw.size()) return {};
    const auto head = decode_record_head(raw);
    if (!head || head->first != due || head->ltx_bytes > kRecordBytesMax) return {};
    const RecordPlace place{*head, offset};
    if (place.end() > info.bytes) return {};
    into.push_back(place);
    offset = place.end();
    due = next(head->last);
  }
}

Status LogSegment::index_all() const {
  if (complete_) return {};
  std::vector<RecordPlace> all;
  TRY(walk(0, first_, all));
  // What is being appended right now is not a record before it is published.
  while (!all.empty() && all.back().head.last > last_) all.pop_back();
  records_ = std::move(all);
  complete_ = true;
  return {};
}

Status LogSegment::write(os::Site site, uint64_t offset, ByteView data) {
  return file_->write_at(site, offset, data);
}

void LogSegment::publish(const RecordPlace& record) {
  const std::lock_guard lock(mutex_);
  records_.push_back(record);
  last_ = record.head.last;
}

Status LogSegment::drop_after(Txid last) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(os::File * file, this->file());
  if (records_.empty() || records_.front().head.first > next(last)) TRY(index_all());
  while (!records_.empty() && records_.back().head.last > last) records_.pop_back();
  last_ = records_.empty() ? Txid(first_.value() - 1) : records_.back().head.last;
  return file->truncate(os::Site("log:drop"), records_.empty() ? 0 : records_.back().end());
}

Status LogSegment::sync(os::Site site) {
  std::shared_ptr<os::File> file;
  {
    const std::lock_guard lock(mutex_);
    TRY(this->file());
    file = file_;
  }
  return file->sync(site);
}

uint64_t LogSegment::end() const {
  const std::lock_guard lock(mutex_);
  return records_.empty() ? 0 : records_.back().end();
}

Txid LogSegment::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

Result<os::FileInfo> LogSegment::info() const {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(os::File * file, this->file());
  return file->info();
}

std::optional<RecordPlace> LogSegment::find(Txid txid) const {
  const std::lock_guard lock(mutex_);
  const bool before_known = records_.empty() || txid < records_.front().head.first;
  if (before_known && !index_all()) return std::nullopt;
  const auto at = std::ranges::lower_bound(records_, txid, {},
                                           [](const RecordPlace& r) { return r.head.last; });
  if (at == records_.end() || txid < at->head.first) return std::nullopt;
  return *at;
}

Result<StoredLtx> LogSegment::stored(const RecordPlace& record) const {
  const std::lock_guard lock(mutex_);
  TRY(this->file());
  return StoredLtx(record.head.first, record.head.last, file_, record.ltx_offset(),
                   record.head.ltx_bytes);
}

Result<Bytes> LogSegment::read_ltx(const RecordPlace& record) const {
  Bytes ltx(record.head.ltx_bytes);
  TRY_ASSIGN(const size_t n, read_at(record.ltx_offset(), ltx));
  if (n < ltx.size()) return fail(Errc::kCorrupt, path_ + ": a record is cut off");
  return ltx;
}

Result<size_t> LogSegment::read_at(uint64_t offset, ByteSpan into) const {
  std::shared_ptr<os::File> file;
  {
    const std::lock_guard lock(mutex_);
    TRY(this->file());
    file = file_;
  }
  return file->read_at(os::Site("log:read"), offset, into);
}

}  // namespace skerry::db
