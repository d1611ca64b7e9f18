// A database's file in the mount: writes go through db::Database, reads to the file behind it.
//
// Modes: as long as nobody chose one, a file is everybody's, and its mode shows the node's role;
// nothing is refused for it, since a connection opened on a replica must be able to write later.
// Once one is chosen (chmod), it counts, with everybody but root for the owner: the mount has no
// users. SQLite gives a database's chosen mode to the files beside it.
#pragma once

#include "daemon/fusefs/node.h"

namespace skerry::fusefs {

// What the mount needs to know of others to serve a file.
class Hooks {
 public:
  virtual ~Hooks() = default;
  // Files may be changed: only then do they show as writable.
  [[nodiscard]] virtual bool is_primary() const = 0;
  // A process closes a wal-index. If it dies between its commit and the wal-index, its transaction
  // is captured but unpublished; publish it before `done`, while the kernel still holds its locks.
  virtual void wal_index_closed(const std::shared_ptr<db::Database>& database, db::Done done) = 0;
  // The database file was changed without a journal, or closed by somebody who did so.
  virtual void unjournaled_changes(const std::shared_ptr<db::Database>& database) = 0;
};

class StoredFile final : public Node {
 public:
  StoredFile(uint64_t id, uint32_t generation, std::shared_ptr<db::Database> database,
             db::FileKind kind, std::shared_ptr<os::File> file, Hooks& hooks)
      : Node(id, generation),
        database_(std::move(database)),
        kind_(kind),
        file_(std::move(file)),
        hooks_(hooks) {}

  [[nodiscard]] const std::shared_ptr<db::Database>& database() const { return database_; }
  [[nodiscard]] db::FileKind kind() const { return kind_; }
  [[nodiscard]] const std::shared_ptr<os::File>& file() const { return file_; }

  void unlinked() { unlinked_ = true; }
  bool is_unlinked() const override { return unlinked_; }

  Result<Attributes> attributes() override;
  Result<size_t> read(uint64_t offset, ByteSpan into) override;
  void write(uint64_t offset, ByteView data, db::Done done) override;
  void truncate(uint64_t bytes, db::Done done) override;
  void sync(db::Done done) override;
  Status allocate(uint64_t offset, uint64_t bytes) override;
  Status set_permissions(uint32_t permissions) override;
  bool has_chosen_permissions() override;
  bool permits(uint32_t uid, uint32_t wanted) override;
  void flush(db::Done done) override;
  // Not of a database file: the kernel drops a process's locks on it after the answer, and SQLite
  // counts on a close being too short for another thread to take some.
  bool wants_flush() const override { return kind_ == db::FileKind::kShm; }

 private:
  void report_changes();

  const std::shared_ptr<db::Database> database_;
  const db::FileKind kind_;
  const std::shared_ptr<os::File> file_;
  Hooks& hooks_;
  std::atomic<bool> unlinked_{false};
};

// A file that only passes through: a super-journal, or one that was removed before this process
// took the mount over.
class PlainFile final : public Node {
 public:
  PlainFile(uint64_t id, uint32_t generation, std::shared_ptr<os::File> file, uint32_t links)
      : Node(id, generation), file_(std::move(file)), links_(links) {}

  bool is_unlinked() const override { return links_ == 0; }
  Result<Attributes> attributes() override;
  Result<size_t> read(uint64_t offset, ByteSpan into) override;
  void write(uint64_t offset, ByteView data, db::Done done) override;
  void truncate(uint64_t bytes, db::Done done) override;
  void sync(db::Done done) override;
  Status allocate(uint64_t offset, uint64_t bytes) override;

 private:
  const std::shared_ptr<os::File> file_;
  const uint32_t links_;
};

}  // namespace skerry::fusefs
