#include "daemon/db/log_segment.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::db {

// A record larger than this is not one of ours: no database reaches it.
static constexpr uint64_t kRecordBytesMax = uint64_t{1} << 47;

LogSegment::LogSegment(std::unique_ptr<os::File> file, std::string path, Txid first)
    : file_(std::move(file)), path_(std::move(path)), first_(first) {}

Result<std::shared_ptr<LogSegment>> LogSegment::create(os::FileSystem& fs, const std::string& dir,
                                                       Txid first) {
  const std::string path = fmt::format("{}/{}.log", dir, to_string(first));
  TRY_ASSIGN(auto file, fs.open(os::Site("log:create"), path, os::OpenMode::kTruncate));
  std::shared_ptr<LogSegment> segment(new LogSegment(std::move(file), path, first));
  TRY_ASSIGN(const auto info, segment->file_->info());
  segment->created_ms_ = info.modified_ns / 1'000'000;
  return segment;
}

Result<std::shared_ptr<LogSegment>> LogSegment::open(os::FileSystem& fs, const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto first = parse_hex16(std::string_view(name).substr(0, 16));
  if (!first || name.size() != 20 || !name.ends_with(".log")) {
    return fail(Errc::kInvalid, fmt::format("{}: not the name of a commit log", path));
  }
  TRY_ASSIGN(auto file, fs.open(os::Site("log:open"), path, os::OpenMode::kReadWrite));
  std::shared_ptr<LogSegment> segment(new LogSegment(std::move(file), path, Txid(*first)));
  if (auto found = segment->find_records(); !found) {
    return std::unexpected(found.error().within(path));
  }
  return segment;
}

Status LogSegment::find_records() {
  TRY_ASSIGN(const auto info, file_->info());
  created_ms_ = (info.created_ns != 0 ? info.created_ns : info.modified_ns) / 1'000'000;
  uint64_t offset = 0;
  Txid due = first_;
  for (;;) {
    std::array<std::byte, kRecordHeadBytes> raw;
    TRY_ASSIGN(const size_t n, file_->read_at(os::Site("log:scan"), offset, raw));
    if (n < raw.size()) break;
    const auto head = decode_record_head(raw);
    if (!head || head->first != due || head->ltx_bytes > kRecordBytesMax) break;
    const RecordPlace place{*head, offset};
    if (place.end() > info.bytes) break;
    records_.push_back(place);
    offset = place.end();
    due = next(head->last);
  }
  torn_bytes_ = info.bytes - offset;
  return {};
}

Status LogSegment::write(os::Site site, uint64_t offset, ByteView data) {
  return file_->write_at(site, offset, data);
}

void LogSegment::publish(const RecordPlace& record) {
  const std::lock_guard lock(mutex_);
  records_.push_back(record);
}

Status LogSegment::drop_after(Txid last) {
  uint64_t end = 0;
  {
    const std::lock_guard lock(mutex_);
    while (!records_.empty() && records_.back().head.last > last) records_.pop_back();
    end = records_.empty() ? 0 : records_.back().end();
  }
  return file_->truncate(os::Site("log:drop"), end);
}

Status LogSegment::sync(os::Site site) {
  return file_->sync(site);
}

uint64_t LogSegment::end() const {
  const std::lock_guard lock(mutex_);
  return records_.empty() ? 0 : records_.back().end();
}

size_t LogSegment::records() const {
  const std::lock_guard lock(mutex_);
  return records_.size();
}

Txid LogSegment::last() const {
  const std::lock_guard lock(mutex_);
  return records_.empty() ? Txid(first_.value() - 1) : records_.back().head.last;
}

std::optional<RecordPlace> LogSegment::find(Txid txid) const {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::lower_bound(records_, txid, {},
                                           [](const RecordPlace& r) { return r.head.last; });
  if (at == records_.end()) return std::nullopt;
  return *at;
}

Result<Bytes> LogSegment::read_ltx(const RecordPlace& record) const {
  Bytes ltx(record.head.ltx_bytes);
  TRY_ASSIGN(const size_t n, file_->read_at(os::Site("log:read"), record.ltx_offset(), ltx));
  if (n < ltx.size()) return fail(Errc::kCorrupt, path_ + ": a record is cut off");
  return ltx;
}

Result<size_t> LogSegment::read_at(uint64_t offset, ByteSpan into) const {
  return file_->read_at(os::Site("log:read"), offset, into);
}

}  // namespace skerry::db
