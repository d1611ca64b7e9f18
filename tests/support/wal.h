// Write-ahead logs in tests: the frames of a -wal file, and a writer that is not SQLite.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "ltx/sqlite/wal_index.h"

namespace skerry::test {

struct WalFrame {
  PageNo pgno;
  uint32_t commit = 0;
  Bytes page;
};

// The committed frames of a WAL, and where its chain of checksums stands.
struct WalContent {
  sqlite::WalHeader header;
  std::vector<WalFrame> frames;
  sqlite::WalChecksum checksum;

  [[nodiscard]] std::vector<PageNo> pages() const;
  // As SQLite's recovery would put it.
  [[nodiscard]] sqlite::WalIndexHeader index_header() const;
};
[[nodiscard]] WalContent read_wal(ByteView file);

// A wal-index in memory.
class HeapWalIndex final : public sqlite::WalIndexMemory {
 public:
  HeapWalIndex() = default;
  explicit HeapWalIndex(ByteView file);

  std::byte* block(size_t index) override {
    return index < blocks_.size() ? blocks_[index]->data() : nullptr;
  }
  Status grow(size_t blocks) override;
  [[nodiscard]] size_t blocks() const { return blocks_.size(); }

 private:
  struct alignas(8) Block : std::array<std::byte, sqlite::kWalIndexBlockBytes> {};
  std::vector<std::unique_ptr<Block>> blocks_;
};

// A mapped -shm file.
class MappedWalIndex final : public sqlite::WalIndexMemory {
 public:
  explicit MappedWalIndex(const std::filesystem::path& path);
  ~MappedWalIndex() override;
  MappedWalIndex(const MappedWalIndex&) = delete;
  MappedWalIndex& operator=(const MappedWalIndex&) = delete;

  std::byte* block(size_t index) override;
  Status grow(size_t blocks) override;

 private:
  int fd_;
  std::vector<std::byte*> blocks_;
};

// Appends frames to a database's -wal and -shm, as a process that is not SQLite. It takes no locks:
// nobody else may write. Call it in a process of its own, since SQLite's locks are the process's.
class WalWriter {
 public:
  explicit WalWriter(const std::filesystem::path& database);
  ~WalWriter();
  WalWriter(const WalWriter&) = delete;
  WalWriter& operator=(const WalWriter&) = delete;

  void restart(uint32_t salt2);
  void append(const WalFrame& frame);
  void publish();  // what was appended, which ends with a commit

 private:
  void write_at(uint64_t offset, ByteView bytes);

  MappedWalIndex memory_;
  sqlite::WalIndex index_;
  int fd_;
  sqlite::WalIndexHeader published_;
  sqlite::WalIndexHeader next_;
};

// Runs `work` in a process of its own, forked at once, when go() is called; false if it threw.
class Child {
 public:
  explicit Child(const std::function<void()>& work);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] bool go();

 private:
  int pid_ = -1;
  int start_ = -1;
};

}  // namespace skerry::test
