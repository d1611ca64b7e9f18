#include "daemon/os/file_system.h"

#include <fmt/format.h>

namespace skerry::os {

Result<Bytes> read_file(FileSystem& fs, Site site, const std::string& path, uint64_t bytes_max) {
  TRY_ASSIGN(auto file, fs.open(site, path, OpenMode::kRead));
  TRY_ASSIGN(const FileInfo info, file->info());
  if (info.bytes > bytes_max) {
    return fail(Errc::kCorrupt,
                fmt::format("{}: {} bytes where at most {} belong", path, info.bytes, bytes_max));
  }
  Bytes content(info.bytes);
  TRY_ASSIGN(const size_t n, file->read_at(site, 0, content));
  content.resize(n);
  return content;
}

Status write_file_atomically(FileSystem& fs, Site site, const std::string& path, ByteView content) {
  const std::string temporary = path + ".tmp";
  {
    TRY_ASSIGN(auto file, fs.open(site, temporary, OpenMode::kTruncate));
    TRY(file->write_at(site, 0, content));
    TRY(file->sync(site));
  }
  TRY(fs.rename(site, temporary, path));
  const size_t slash = path.rfind('/');
  return fs.sync_directory(site, slash == std::string::npos ? "." : path.substr(0, slash));
}

bool exists(FileSystem& fs, const std::string& path) {
  return fs.info(path).has_value();
}

Status remove_if_exists(FileSystem& fs, Site site, const std::string& path) {
  auto removed = fs.remove(site, path);
  if (!removed && removed.error().code() == Errc::kNotFound) return {};
  return removed;
}

}  // namespace skerry::os
