// A file of the mount, independent of FUSE: what an inode number of the kernel stands for.
//
// A node's id is a function of what is on disk (the inode number of the file behind it), and a node
// has no state that a successor of this process could not find again; so the kernel's ids survive
// the process. Threads: any. `done` as in db::Database.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>

#include "daemon/db/database.h"

namespace skerry::fusefs {

struct Attributes {
  uint64_t bytes = 0;
  int64_t modified_ns = 0;
  uint32_t mode = 0100666;  // as in stat(2)
  uint32_t links = 1;
};

class Node {
 public:
  Node(uint64_t id, uint32_t generation) : id_(id), generation_(generation) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] uint64_t id() const { return id_; }
  // Tells incarnations apart that have the same id one after the other.
  [[nodiscard]] uint32_t generation() const { return generation_; }
  // The kernel may keep content and attributes; what changes them tells it. Otherwise it asks
  // each time.
  [[nodiscard]] virtual bool cached() const { return true; }

  [[nodiscard]] virtual Result<Attributes> attributes() = 0;
  [[nodiscard]] virtual Result<size_t> read(uint64_t offset, ByteSpan into) = 0;
  virtual void write(uint64_t offset, ByteView data, db::Done done) {
    (void)offset, (void)data;
    done(fail(Errc::kDenied, "this file cannot be written", EACCES));
  }
  virtual void truncate(uint64_t bytes, db::Done done) {
    (void)bytes;
    done(fail(Errc::kDenied, "this file cannot be written", EACCES));
  }
  virtual void sync(db::Done done) { done({}); }
  // The permission bits that somebody chose (0 to 0777).
  [[nodiscard]] virtual Status set_permissions(uint32_t permissions) {
    (void)permissions;
    return {};
  }
  [[nodiscard]] virtual bool has_chosen_permissions() { return false; }
  // Whether a process of that user may open it so; `wanted` as in access(2).
  [[nodiscard]] virtual bool permits(uint32_t uid, uint32_t wanted) {
    (void)uid, (void)wanted;
    return true;
  }
  [[nodiscard]] virtual Status allocate(uint64_t offset, uint64_t bytes) {
    (void)offset, (void)bytes;
    return fail(Errc::kUnsupported, "this file has no blocks", EOPNOTSUPP);
  }
  // A descriptor of it is closed; locks that were taken through it are still held.
  virtual void flush(db::Done done) { done({}); }
  [[nodiscard]] virtual bool wants_flush() const { return false; }

  // Its name is gone; it lives on for those who have it open.
  [[nodiscard]] virtual bool is_unlinked() const { return false; }

  // Descriptors that this process saw opened and not released; those of before are not counted.
  void opened() { ++opens_; }
  void released() {
    if (opens_ > 0) --opens_;
  }
  // A file that an earlier worker of this mount knew may be open without this one knowing.
  void opens_unknown() { opens_known_ = false; }
  [[nodiscard]] bool may_be_open() const { return opens_ > 0 || !opens_known_; }

 private:
  const uint64_t id_;
  const uint32_t generation_;
  std::atomic<uint32_t> opens_{0};
  std::atomic<bool> opens_known_{true};
};

}  // namespace skerry::fusefs
