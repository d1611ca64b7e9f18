// Files for tests: golden inputs, whole-file reads, directories that vanish.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ltx/base/bytes.h"

namespace skerry::test {

[[nodiscard]] Bytes read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, ByteView bytes);
[[nodiscard]] Bytes gunzip_file(const std::filesystem::path& path);

// tests/golden, and the place where the build unpacked the archives in it.
[[nodiscard]] std::filesystem::path golden(const std::string& name);
[[nodiscard]] std::filesystem::path unpacked(const std::string& name);

// Names of the directory's files with that extension, in order.
[[nodiscard]] std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory,
                                                          const std::string& extension);

class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace skerry::test
