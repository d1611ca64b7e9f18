// Files of the data folder that exist as long as they are open.
#pragma once

#include <memory>
#include <string>

#include "daemon/net/http_message.h"
#include "daemon/os/file_system.h"

namespace skerry::admin {

// What must stay free on the disk for the databases' own growth.
inline constexpr uint64_t kFreeBytesKept = 64ull << 20;

// kNoSpace unless `bytes` fit beside kFreeBytesKept on the disk of the data folder.
[[nodiscard]] Status check_space(os::FileSystem& fs, const std::string& data_dir, uint64_t bytes,
                                 std::string_view purpose);

// A new file without a name.
[[nodiscard]] Result<std::unique_ptr<os::File>> temporary_file(os::FileSystem& fs,
                                                               const std::string& data_dir);

// Removes what a crash left. Before the first temporary_file().
[[nodiscard]] Status clear_temporary_files(os::FileSystem& fs, const std::string& data_dir);

// A file from its beginning.
class FileSource final : public ltx::ByteSource {
 public:
  explicit FileSource(std::unique_ptr<os::File> file) : file_(std::move(file)) {}
  Result<size_t> read(ByteSpan into) override;

 private:
  const std::unique_ptr<os::File> file_;
  uint64_t offset_ = 0;
};

}  // namespace skerry::admin
