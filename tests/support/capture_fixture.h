// A node's capture side for unit tests: real files in a folder of its own, a gate that a test
// steers.
#pragma once

#include <stdlib.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "daemon/db/database.h"
#include "daemon/os/posix_file_system.h"
#include "tests/support/captured_vfs.h"

namespace skerry::test {

class TempDir {
 public:
  TempDir() {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/skerry-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TestGate final : public db::CommitGate {
 public:
  Status may_write(const db::Database&) override {
    if (writable) return {};
    return fail(Errc::kReadOnly, "this node is a replica", EROFS);
  }
  Epoch epoch() override { return Epoch(7); }
  Result<Decision> may_commit(const db::Database&, const db::Transaction&) override {
    ++asked;
    if (refuse) return fail(Errc::kReadOnly, "refused by the test", EROFS);
    return hold_next ? Decision::kHold : Decision::kGrant;
  }
  Status may_acknowledge(const db::Database&) override {
    return late ? Status(fail(Errc::kTimeout, "too late", EIO)) : Status();
  }
  void hold(db::Database&, const db::Transaction&, Resume resume) override {
    resume(refuse_held ? Status(fail(Errc::kTimeout, "not confirmed in time")) : Status());
  }

  bool writable = true;
  bool refuse = false;
  bool hold_next = false;
  bool late = false;
  bool refuse_held = false;
  int asked = 0;
};

class TestListener final : public db::CommitListener {
 public:
  void committed(db::Database&, const db::Transaction& transaction) override {
    last = transaction.position();
    images = transaction.images;
    ++count;
  }
  bool wants_images(uint32_t pages, PageSize) override { return pages <= images_pages_max; }
  uint32_t images_pages_max = 0;
  std::shared_ptr<const db::CommitImages> images;  // of the last one
  Position last;
  int count = 0;
};

class NoKernelCache final : public db::KernelCache {
 public:
  void invalidate(const db::Database&, db::FileKind, uint64_t, uint64_t) override {}
  void store(const db::Database&, db::FileKind, uint64_t, ByteView) override {}
  void forget(const db::Database&, db::FileKind, uint64_t, uint64_t) override {}
  void forget_name(const std::string&) override {}
  void warm_wal(db::Database&) override {}
  void extend_wal(db::Database&, uint64_t, uint64_t) override {}
};

struct CaptureFixture {
  TempDir dir;
  os::PosixFileSystem fs;
  os::SystemClock clock;
  TestGate gate;
  TestListener listener;
  NoKernelCache cache;
  CapturedVfs vfs{{fs, clock, gate, listener, cache, NodeId(42)}, "captured", dir.path()};

  [[nodiscard]] std::string path(const std::string& name) const { return dir.path() + "/" + name; }
  [[nodiscard]] std::string dir_of(const std::string& name) const {
    return dir.path() + "/dbs/" + name;
  }
};

}  // namespace skerry::test
