#include "tests/support/power_cut_fs.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace skerry::test {

static constexpr size_t kDiskPageBytes = 4096;

static Bytes content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

class PowerCutFile final : public os::File {
 public:
  PowerCutFile(PowerCutFs& fs, std::string path, std::unique_ptr<os::File> real, uint64_t inode)
      : fs_(fs), path_(std::move(path)), real_(std::move(real)), inode_(inode) {}

  Result<size_t> read_at(os::Site site, uint64_t offset, ByteSpan into) override {
    return real_->read_at(site, offset, into);
  }
  Status write_at(os::Site site, uint64_t offset, ByteView data) override {
    return real_->write_at(site, offset, data);
  }
  Status truncate(os::Site site, uint64_t bytes) override { return real_->truncate(site, bytes); }
  Status allocate(os::Site site, uint64_t offset, uint64_t bytes) override {
    return real_->allocate(site, offset, bytes);
  }
  Status sync(os::Site site) override {
    TRY(real_->sync(site));
    note_synced();
    return {};
  }
  Result<os::FileInfo> info() override { return real_->info(); }
  Result<std::unique_ptr<os::Mapping>> map(os::Site site, uint64_t bytes) override;

  // Unless the name is another file's now.
  void note_synced() {
    const auto info = fs_.info(path_);
    if (info && info->inode == inode_) fs_.synced(path_);
  }

 private:
  PowerCutFs& fs_;
  const std::string path_;
  const std::unique_ptr<os::File> real_;
  const uint64_t inode_;
};

namespace {

class PowerCutMapping final : public os::Mapping {
 public:
  PowerCutMapping(PowerCutFile& file, std::unique_ptr<os::Mapping> real)
      : file_(file), real_(std::move(real)) {}
  ByteSpan bytes() override { return real_->bytes(); }
  Status sync(os::Site site) override {
    TRY(real_->sync(site));
    file_.note_synced();
    return {};
  }

 private:
  PowerCutFile& file_;
  const std::unique_ptr<os::Mapping> real_;
};

}  // namespace

Result<std::unique_ptr<os::Mapping>> PowerCutFile::map(os::Site site, uint64_t bytes) {
  TRY_ASSIGN(auto mapping, real_->map(site, bytes));
  return std::make_unique<PowerCutMapping>(*this, std::move(mapping));
}

Result<std::unique_ptr<os::File>> PowerCutFs::open(os::Site site, const std::string& path,
                                                   os::OpenMode mode) {
  const bool existed = os::exists(real_, path);
  TRY_ASSIGN(auto file, real_.open(site, path, mode));
  if (!existed) synced_[path] = {};
  if (existed && !synced_.contains(path)) synced(path);
  TRY_ASSIGN(const auto info, file->info());
  return std::make_unique<PowerCutFile>(*this, path, std::move(file), info.inode);
}

Status PowerCutFs::remove(os::Site site, const std::string& path) {
  TRY(real_.remove(site, path));
  synced_.erase(path);
  return {};
}

Status PowerCutFs::rename(os::Site site, const std::string& from, const std::string& to) {
  TRY(real_.rename(site, from, to));
  if (auto node = synced_.extract(from)) {
    synced_[to] = std::move(node.mapped());
  }
  return {};
}

void PowerCutFs::synced(const std::string& path) {
  synced_[path] = content_of(path);
}

void PowerCutFs::cut(std::mt19937_64& random, double kept) {
  std::bernoulli_distribution keep(kept);
  for (auto& [path, disk] : synced_) {
    if (!std::filesystem::exists(path)) continue;
    const Bytes now = content_of(path);
    Bytes left = disk;
    if (now.size() > left.size() || keep(random)) left.resize(now.size());
    for (size_t at = 0; at < std::min(now.size(), left.size()); at += kDiskPageBytes) {
      const size_t n = std::min({kDiskPageBytes, now.size() - at, left.size() - at});
      if (keep(random)) std::copy_n(&now[at], n, &left[at]);
    }
    // What grew may have got its size, or not.
    if (now.size() > disk.size() && !keep(random)) left.resize(disk.size());
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(left.data()),
              static_cast<std::streamsize>(left.size()));
    out.close();
    disk = left;
  }
}

}  // namespace skerry::test
