#include "daemon/cluster/history_log.h"

#include "lease/json_fields.h"

namespace skerry::cluster {

namespace bj = boost::json;
namespace json = lease::json;

static std::string path_of(const std::string& data_dir) {
  return data_dir + "/history";
}

std::string encode_history(const HistoryEntry& entry) {
  bj::object object;
  object["ms"] = entry.ms;
  object["epoch"] = entry.epoch.value();
  object["primary"] = entry.primary;
  object["url"] = entry.url;
  object["self"] = entry.self;
  object["phase"] = entry.phase;
  object["reason"] = entry.reason;
  return bj::serialize(object) + "\n";
}

std::optional<HistoryEntry> decode_history(std::string_view line) {
  const auto value = json::parse(line);
  const bj::object* object = value ? value->if_object() : nullptr;
  const auto ms = object != nullptr ? json::number_at(*object, "ms") : std::nullopt;
  if (!ms) return std::nullopt;
  return HistoryEntry{static_cast<int64_t>(*ms),
                      json::epoch_at(*object),
                      json::text_at(*object, "primary"),
                      json::text_at(*object, "url"),
                      json::flag_at(*object, "self"),
                      json::text_at(*object, "phase"),
                      json::text_at(*object, "reason")};
}

std::vector<Reign> reigns_of(const std::vector<HistoryEntry>& entries) {
  std::vector<Reign> reigns;
  for (const HistoryEntry& entry : entries) {
    const bool has_primary = !entry.primary.empty() || !entry.url.empty() || entry.self;
    Reign* const open = reigns.empty() || reigns.back().until_ms ? nullptr : &reigns.back();
    const bool same = open != nullptr && has_primary && open->url == entry.url &&
                      open->primary == entry.primary && open->self == entry.self &&
                      open->epoch == entry.epoch;
    if (same) continue;
    if (open != nullptr) {
      open->until_ms = entry.ms;
      open->end = entry.reason.empty() ? entry.phase : entry.reason;
    }
    if (!has_primary) continue;
    reigns.push_back({entry.primary, entry.url, entry.epoch, entry.self, entry.ms, {}, ""});
  }
  return reigns;
}

HistoryLog::HistoryLog(os::FileSystem& fs, const std::string& data_dir)
    : fs_(fs), path_(path_of(data_dir)) {}

Status HistoryLog::note(const lease::LeaseState& state, int64_t wall_ms) {
  HistoryEntry entry;
  entry.ms = wall_ms;
  entry.epoch = state.epoch;
  if (state.primary) {
    entry.primary = state.primary->hostname;
    entry.url = state.primary->advertise_url;
  }
  entry.self = state.is_primary;
  entry.phase = to_string(state.phase);
  entry.reason = state.reason;
  const std::lock_guard lock(mutex_);
  if (last_) {
    HistoryEntry before = *last_;
    before.ms = entry.ms;
    before.reason = entry.reason;
    before.phase = entry.phase;
    // Who it is, or that it is nobody, is what the log tells; a reason alone changes often.
    if (before == entry) return {};
  }
  TRY(append(entry));
  last_ = std::move(entry);
  return {};
}

Status HistoryLog::append(const HistoryEntry& entry) {
  TRY_ASSIGN(auto file, fs_.open(os::Site("history-log:open"), path_, os::OpenMode::kCreate));
  TRY_ASSIGN(const os::FileInfo info, file->info());
  if (info.bytes > kBytesMax) {
    file.reset();
    TRY(shorten());
    TRY_ASSIGN(file, fs_.open(os::Site("history-log:open"), path_, os::OpenMode::kCreate));
  }
  TRY_ASSIGN(const os::FileInfo now, file->info());
  return file->write_at(os::Site("history-log:write"), now.bytes, as_bytes(encode_history(entry)));
}

Status HistoryLog::shorten() {
  TRY_ASSIGN(const Bytes all, os::read_file(fs_, os::Site("history-log:read"), path_,
                                            2 * kBytesMax));
  std::string_view text = as_text(all);
  text.remove_prefix(text.size() / 2);
  const size_t line = text.find('\n');
  text.remove_prefix(line == std::string_view::npos ? text.size() : line + 1);
  return os::write_file_atomically(fs_, os::Site("history-log:shorten"), path_, as_bytes(text));
}

Result<std::vector<HistoryEntry>> read_history(os::FileSystem& fs, const std::string& data_dir) {
  std::vector<HistoryEntry> entries;
  const std::string path = path_of(data_dir);
  if (!os::exists(fs, path)) return entries;
  TRY_ASSIGN(const Bytes all, os::read_file(fs, os::Site("history-log:read"), path,
                                            2 * HistoryLog::kBytesMax));
  std::string_view text = as_text(all);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (auto entry = decode_history(text.substr(0, end))) entries.push_back(*std::move(entry));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return entries;
}

}  // namespace skerry::cluster
