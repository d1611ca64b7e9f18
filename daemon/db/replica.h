// A database from the side of who brings whole transactions into it: those of the primary, and
// imports (daemon/apply). The files themselves are the caller's to write, under SQLite's locks;
// this keeps log, checksums, capture and position in step with them.
//
//   stage()       verifies the transaction and writes it to the log, unseen by anybody
//   publish_…()   makes it the position, after it was made visible
//   abandon()     forgets it; the caller has left the files as they were
//
// Between stage() and the other two, local commits are refused (kBusy).
//
// Threads: one at a time for one database. Each call takes the database's mutex for a moment, so
// the caller may wait for the kernel in between.
#pragma once

#include "daemon/db/database.h"
#include "daemon/db/wal_frame_map.h"

namespace skerry::db {

class Replica {
 public:
  explicit Replica(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  [[nodiscard]] Database& database() { return *database_; }

  struct View {
    Position position;
    Epoch epoch;
    uint32_t commit = 0;
    uint32_t page_bytes = 0;         // 0: no transaction yet
    std::shared_ptr<os::File> file;  // the database file; null if there is none
    std::shared_ptr<os::File> wal;
    std::optional<sqlite::WalHeader> wal_header;
    sqlite::WalEnd wal_end;
    bool journal_active = false;  // a rollback journal is in force
    bool uncommitted = false;     // the database file has changes that are not committed
    bool must_redo = false;       // recovery left transactions of the log to be done
  };
  [[nodiscard]] View view() const;
  // The database file's header; nothing if it has none.
  [[nodiscard]] Result<std::optional<sqlite::DbHeader>> header() const;
  // A page as it is committed; `scratch` holds one page. kNotFound past the database's end.
  [[nodiscard]] Result<ByteView> page(PageNo pgno, ByteSpan scratch);

  // How the transaction is going to be made visible.
  enum class Way { kWal, kFile };
  [[nodiscard]] Status check(const Received& received) const;
  [[nodiscard]] Status stage(Way way, Received received, uint32_t flags, ByteSpan record);
  [[nodiscard]] Status stage(Way way, Received received, uint32_t flags, const std::string& path);
  // The next of those that recovery left.
  struct Redo {
    std::shared_ptr<LogSegment> segment;
    RecordPlace place;
  };
  [[nodiscard]] std::optional<Redo> next_redo() const;
  [[nodiscard]] Status stage_redo(Way way, Received received, const Redo& redo);
  // The record is on disk when this returns.
  [[nodiscard]] Status sync_staged();
  // From now on the database file is written: recovery must finish that.
  [[nodiscard]] Status mark_in_place();
  [[nodiscard]] Status mark_in_place(const Redo& redo);
  // The header of a transaction of this node's own, with every page. Refused where a write would
  // be.
  [[nodiscard]] Result<ltx::Header> own_header(PageSize page_size, uint32_t pages);
  // Asks the gate, as for a commit of an application, and waits for its answer.
  [[nodiscard]] Status confirm();

  // Its frames are the last ones of the WAL, in the order of its pages.
  void publish_wal(const sqlite::WalHeader& header, sqlite::WalEnd end);
  // It is in the database file, and no WAL is beside that.
  void publish_file();
  [[nodiscard]] Status abandon();

  // As committed_checksums(), with 0 for a page that the file does not hold as it was committed.
  [[nodiscard]] std::vector<Checksum> trusted_checksums(PageNo first, uint32_t count) const;
  // Forgets the log, and stands before `txid` with the pages that are there: what the database held
  // is not in the primary's past.
  [[nodiscard]] Status rebase(Txid txid);
  // The database, which has no content, becomes the image in its folder. Once this succeeded it is
  // that, and complete_become() puts the files in place: it may be called again after an error, and
  // recovery does it if this process does not. The database's names are to be forgotten then.
  [[nodiscard]] Status become(const ltx::Header& header, Checksum post_apply,
                              std::unique_ptr<PageChecksums> sums);
  [[nodiscard]] Status complete_become(const ltx::Header& header);

  // A checkpoint brought their newest frames into the database file.
  void note_checkpointed(std::span<const PageNo> pages);
  // Everything in the WAL is in the database file, and the WAL is about to be overwritten.
  void forget_wal();
  // The database file, made if it is not there. Whoever looks for its name must be told.
  [[nodiscard]] Result<std::shared_ptr<os::File>> create_database_file();

 private:
  void staged(Way way, Transaction transaction);
  void end();

  const std::shared_ptr<Database> database_;
  WalFrameMap frames_;
};

}  // namespace skerry::db
