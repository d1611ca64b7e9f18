#include "daemon/admin/temporary_file.h"

#include <fmt/format.h>

#include <atomic>

namespace skerry::admin {

static std::string folder(const std::string& data_dir) {
  return data_dir + "/tmp";
}

Status check_space(os::FileSystem& fs, const std::string& data_dir, uint64_t bytes,
                   std::string_view purpose) {
  TRY_ASSIGN(const uint64_t free, fs.free_bytes(data_dir));
  if (bytes <= free && kFreeBytesKept <= free - bytes) return {};
  return fail(Errc::kNoSpace,
              fmt::format("{} needs {} MB in {}, where {} MB are free and {} MB are to stay so; "
                          "make room there",
                          purpose, (bytes >> 20) + 1, data_dir, free >> 20, kFreeBytesKept >> 20),
              ENOSPC);
}

Result<std::unique_ptr<os::File>> temporary_file(os::FileSystem& fs, const std::string& data_dir) {
  static std::atomic<uint64_t> count{0};
  TRY(fs.make_directory(os::Site("temporary:directory"), folder(data_dir)));
  const std::string path = fmt::format("{}/{}", folder(data_dir), count.fetch_add(1));
  TRY_ASSIGN(auto file, fs.open(os::Site("temporary:open"), path, os::OpenMode::kTruncate));
  TRY(fs.remove(os::Site("temporary:remove"), path));
  return file;
}

Status clear_temporary_files(os::FileSystem& fs, const std::string& data_dir) {
  TRY(fs.make_directory(os::Site("temporary:directory"), folder(data_dir)));
  TRY_ASSIGN(const auto entries, fs.list(folder(data_dir)));
  for (const os::DirEntry& entry : entries) {
    if (entry.is_directory) continue;
    TRY(fs.remove(os::Site("temporary:clear"), fmt::format("{}/{}", folder(data_dir), entry.name)));
  }
  return {};
}

Result<size_t> FileSource::read(ByteSpan into) {
  TRY_ASSIGN(const size_t n, file_->read_at(os::Site("temporary:read"), offset_, into));
  offset_ += n;
  return n;
}

}  // namespace skerry::admin
