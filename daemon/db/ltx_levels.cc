#include "daemon/db/ltx_levels.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::db {

Result<std::unique_ptr<LtxLevels>> LtxLevels::open(os::FileSystem& fs, std::string dir) {
  std::unique_ptr<LtxLevels> levels(new LtxLevels(fs, std::move(dir)));
  TRY(levels->load());
  return levels;
}

std::string LtxLevels::path_of(int level, Txid first, Txid last) const {
  return fmt::format("{}/{}/{}-{}.ltx", dir_, level, to_string(first), to_string(last));
}

Status LtxLevels::load() {
  if (!os::exists(fs_, dir_)) return {};
  TRY_ASSIGN(const auto entries, fs_.list(dir_));
  for (const os::DirEntry& entry : entries) {
    const bool is_level = entry.name.size() == 1 && entry.name[0] >= '1' &&
                          entry.name[0] <= '0' + kLtxLevelMax && entry.is_directory;
    if (is_level) TRY(load_level(entry.name[0] - '0'));
  }
  std::ranges::sort(files_, {}, &File::first);
  return remove_covered();
}

Status LtxLevels::load_level(int level) {
  const std::string folder = fmt::format("{}/{}", dir_, level);
  TRY_ASSIGN(const auto entries, fs_.list(folder));
  for (const os::DirEntry& entry : entries) {
    if (entry.name.ends_with(".tmp")) {
      TRY(fs_.remove(os::Site("levels:clear"), folder + "/" + entry.name));
    } else {
      TRY(load_file(level, entry.name));
    }
  }
  return {};
}

// Names that are not ours are left alone.
Status LtxLevels::load_file(int level, const std::string& name) {
  constexpr size_t kNameBytes = 16 + 1 + 16 + 4;
  if (name.size() != kNameBytes || name[16] != '-' || !name.ends_with(".ltx")) return {};
  const auto first = parse_hex16(std::string_view(name).substr(0, 16));
  const auto last = parse_hex16(std::string_view(name).substr(17, 16));
  if (!first || !last || *first == 0 || *first > *last) return {};
  const std::string path = path_of(level, Txid(*first), Txid(*last));
  TRY_ASSIGN(std::shared_ptr<os::File> file,
             fs_.open(os::Site("levels:load"), path, os::OpenMode::kRead));
  TRY_ASSIGN(const auto info, file->info());
  const StoredLtx stored(Txid(*first), Txid(*last), file, 0, info.bytes);
  const auto header = stored.header();
  if (!header) return std::unexpected(header.error().within(path));
  const int64_t created_ms = info.created_ns / 1'000'000;
  files_.push_back(
      {level, Txid(*first), Txid(*last), info.bytes, header->timestamp_ms,
       created_ms != 0 ? std::min(created_ms, header->timestamp_ms) : header->timestamp_ms,
       header->page_size.bytes()});
  return {};
}

// Inputs of a merge that was completed.
Status LtxLevels::remove_covered() {
  const std::vector<File> all = files_;
  for (const File& file : all) {
    const bool covered = std::ranges::any_of(all, [&](const File& other) {
      return other.level > file.level && other.first <= file.first && other.last >= file.last;
    });
    if (covered) TRY(remove(file));
  }
  return {};
}

std::vector<LtxLevels::File> LtxLevels::files() const {
  const std::lock_guard lock(mutex_);
  return files_;
}

Result<std::optional<StoredLtx>> LtxLevels::find(Txid txid) const {
  const std::lock_guard lock(mutex_);
  auto after = std::ranges::upper_bound(files_, txid, {}, &File::first);
  if (after == files_.begin()) return std::nullopt;
  const File& file = *std::prev(after);
  if (file.last < txid) return std::nullopt;
  TRY_ASSIGN(std::shared_ptr<os::File> opened,
             fs_.open(os::Site("levels:open"), path_of(file.level, file.first, file.last),
                      os::OpenMode::kRead));
  return StoredLtx(file.first, file.last, std::move(opened), 0, file.bytes);
}

Result<LtxLevels::Draft> LtxLevels::create(int level, Txid first, Txid last) {
  const std::string folder = fmt::format("{}/{}", dir_, level);
  if (!os::exists(fs_, folder)) {
    TRY(fs_.make_directory(os::Site("levels:directory"), folder));
    TRY(fs_.sync_directory(os::Site("levels:directory"), dir_));
  }
  Draft draft{path_of(level, first, last) + ".tmp", nullptr};
  TRY_ASSIGN(draft.file, fs_.open(os::Site("levels:create"), draft.path, os::OpenMode::kTruncate));
  return draft;
}

Status LtxLevels::commit(Draft draft, const File& info) {
  TRY(draft.file->sync(os::Site("levels:sync")));
  draft.file.reset();
  const std::string path = path_of(info.level, info.first, info.last);
  TRY(fs_.rename(os::Site("levels:rename"), draft.path, path));
  TRY(fs_.sync_directory(os::Site("levels:sync-directory"),
                         fmt::format("{}/{}", dir_, info.level)));
  std::vector<File> inputs;
  {
    const std::lock_guard lock(mutex_);
    const auto covered = [&](const File& f) {
      return f.first >= info.first && f.last <= info.last;
    };
    const auto is_input = [&](const File& f) {
      return covered(f) && (f.level != info.level || f.first != info.first || f.last != info.last);
    };
    std::ranges::copy_if(files_, std::back_inserter(inputs), is_input);
    std::erase_if(files_, covered);
    files_.insert(std::ranges::upper_bound(files_, info.first, {}, &File::first), info);
  }
  for (const File& input : inputs) {
    TRY(os::remove_if_exists(fs_, os::Site("levels:remove"),
                             path_of(input.level, input.first, input.last)));
  }
  return {};
}

void LtxLevels::discard(const Draft& draft) {
  // What stays is cleared away when the levels are opened the next time.
  (void)os::remove_if_exists(fs_, os::Site("levels:discard"), draft.path);
}

Status LtxLevels::remove(const File& file) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(files_,
                  [&](const File& f) { return f.level == file.level && f.first == file.first; });
  }
  return os::remove_if_exists(fs_, os::Site("levels:remove"),
                              path_of(file.level, file.first, file.last));
}

Status LtxLevels::drop_after(Txid last) {
  for (const File& file : files()) {
    if (file.last > last) TRY(remove(file));
  }
  return {};
}

}  // namespace skerry::db
