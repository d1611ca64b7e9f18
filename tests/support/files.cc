#include "tests/support/files.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace skerry::test {

namespace fs = std::filesystem;

Bytes read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

void write_file(const fs::path& path, ByteView bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

Bytes gunzip_file(const fs::path& path) {
  gzFile in = gzopen(path.c_str(), "rb");
  if (in == nullptr) throw std::runtime_error("cannot read " + path.string());
  Bytes result;
  std::array<std::byte, 65536> part;
  for (int n = 1; n > 0;) {
    n = gzread(in, part.data(), static_cast<unsigned>(part.size()));
    if (n > 0) append(result, ByteView(part).first(static_cast<size_t>(n)));
  }
  gzclose(in);
  return result;
}

fs::path golden(const std::string& name) {
  return fs::path(SKERRY_GOLDEN) / name;
}
fs::path unpacked(const std::string& name) {
  return fs::path(SKERRY_GOLDEN_UNPACKED) / name;
}

std::vector<fs::path> files_in(const fs::path& directory, const std::string& extension) {
  std::vector<fs::path> result;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() == extension) result.push_back(entry.path());
  }
  std::ranges::sort(result);
  return result;
}

// In memory where there is such a place: SQLite syncs, and no test needs its files to last.
static fs::path temp_root() {
  const fs::path memory = "/dev/shm";
  std::error_code ignored;
  return fs::is_directory(memory, ignored) ? memory : fs::temp_directory_path();
}

ScratchDir::ScratchDir() {
  std::string name = (temp_root() / "skerry-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot create " + name);
  path_ = name;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace skerry::test
