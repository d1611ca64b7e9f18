// Brings what another node committed into this node's databases, under the eyes of applications
// that read them: readers see all of a transaction or nothing, and never wait for it.
//
// Threads: any; calls for one database are serialised inside: while one Incoming of it lives, the
// next begin waits. They block (disk, SQLite's locks), so they belong on a pool thread: never on a
// FUSE request thread, never on an io thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "daemon/db/database.h"
#include "ltx/header.h"

namespace skerry::apply {

// One transaction on its way in. Nothing is visible before commit(). Destroyed without commit(): as
// if it had never been.
class Incoming {
 public:
  virtual ~Incoming() = default;

  // The committed content of a page before this transaction, for decoding a difference against it;
  // valid until the next call. kNotFound for a page that the database does not have.
  [[nodiscard]] virtual Result<ByteView> current(PageNo pgno) = 0;
  // In ascending order for a transaction (begin()); in any order, also repeatedly, for an image.
  [[nodiscard]] virtual Status add(PageNo pgno, ByteView page) = 0;
  // Verifies that the pages give `post_apply`, makes the transaction visible, and returns once a
  // reader finds it. kCorrupt: they do not, nothing was changed. kBusy: a local process held the
  // database's locks for longer than kPatience (the log and obstacles() name it); nothing was
  // changed, and commit() may be called again. After any other error the object is of no use.
  [[nodiscard]] virtual Status commit(Checksum post_apply) = 0;
};

// Another state of the whole database, from which only what differs comes: afterwards it stands at
// header.max_txid, whatever it stood at before. Pages that do not come stay as they are. The header
// may be refined at the end, because the sender's database moves while it sends.
class Image : public Incoming {
 public:
  // In place of begin_image()'s header, before commit(). Another page size forgets what came.
  [[nodiscard]] virtual Status set_header(const ltx::Header& header) = 0;
  // What the image consists of so far, so that the sender may leave it out: the checksums of pages
  // `first` and on, at most `count`, none past the last page; 0 for the lock page. What an
  // interrupted image of this database had received is in it.
  [[nodiscard]] virtual std::vector<Checksum> checksums(PageNo first, uint32_t count) = 0;
};

// What keeps a database from being written here, or its WAL from being started over.
struct Obstacle {
  enum class Kind {
    kWriter,       // a local write transaction, on a node that does not write
    kReader,       // a read transaction of a rollback-mode database
    kOldSnapshot,  // a read transaction that the WAL must keep its frames for
  };
  std::string database;
  Kind kind = Kind::kWriter;
  int pid = 0;  // −1: unknown
  std::string program;
  std::chrono::milliseconds since{};
  uint32_t wal_frames = 0;
};

class Applier {
 public:
  // How long commit() waits for SQLite's locks.
  static constexpr std::chrono::milliseconds kPatience{10'000};

  virtual ~Applier() = default;

  // The next transaction of a database: header.pre_apply_position() is the database's position
  // (kInvalid if it is not). header.commit == 0 drops the database. One of another page size, or
  // with min_txid 1, holds every page. A database that does not exist is created.
  [[nodiscard]] virtual Result<std::unique_ptr<Incoming>> begin(const std::string& database,
                                                                const ltx::Header& header) = 0;

  [[nodiscard]] virtual Result<std::unique_ptr<Image>> begin_image(const std::string& database,
                                                                   const ltx::Header& header) = 0;

  // A transaction of this node's own (an import): asks the gate as a commit of an application does.
  // Every page comes, in order; position and txid are this database's next.
  [[nodiscard]] virtual Result<std::unique_ptr<Incoming>> begin_import(const std::string& database,
                                                                       PageSize page_size,
                                                                       uint32_t pages) = 0;

  // Writes what a database's WAL holds into the database file, as far as readers allow it. Happens
  // by itself when the WAL has grown through this object.
  [[nodiscard]] virtual Status checkpoint(const std::string& database) = 0;

  // As of now, for metrics.
  [[nodiscard]] virtual std::vector<Obstacle> obstacles() const = 0;
};

}  // namespace skerry::apply
