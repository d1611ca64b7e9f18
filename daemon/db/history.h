// The committed history of one database: its page-checksum table, its commit log and its position,
// moved forward together, one transaction at a time:
//
//   stage()    checksums the changed pages, writes the LTX image to the log, unseen by anybody
//   publish()  makes it the position; after the change itself was made visible
//   abandon()  forgets it; the database is as it was
//
// Not thread-safe: the database's mutex guards it. position() may be called from any thread.
#pragma once

#include <atomic>
#include <memory>

#include "daemon/db/change_set.h"
#include "daemon/db/commit_log.h"
#include "daemon/db/page_checksums.h"
#include "ltx/encoder.h"

namespace skerry::db {

// What a transaction carries besides its pages.
struct Stamp {
  int64_t timestamp_ms = 0;
  Epoch epoch;
  NodeId node;
};

// A transaction on its way: what the gate is asked about and listeners are told of.
struct Transaction {
  ltx::Header header;
  Checksum post_apply;
  uint64_t ltx_bytes = 0;
  uint32_t pages = 0;

  [[nodiscard]] Position position() const { return {header.max_txid, post_apply}; }
};

class History {
 public:
  History(std::unique_ptr<PageChecksums> table, std::unique_ptr<CommitLog> log)
      : table_(std::move(table)), log_(std::move(log)) {}

  [[nodiscard]] const TableState& state() const { return table_->state(); }
  [[nodiscard]] Position position() const { return state().position; }
  [[nodiscard]] PageChecksums& table() { return *table_; }
  [[nodiscard]] CommitLog& log() { return *log_; }

  // Drops pages from `changes` whose content is what it was. If nothing remains and the size is the
  // same there is no transaction: the result is empty and nothing is staged.
  [[nodiscard]] Result<std::optional<Transaction>> stage(ChangeSet& changes, PageReader& pages,
                                                         const Stamp& stamp);
  [[nodiscard]] Status sync_staged() { return log_->sync_written(); }
  void publish();
  [[nodiscard]] Status abandon();

  // The WAL moved without a transaction: a restart, or a commit that changed nothing.
  void note_wal(sqlite::WalSalt salt, sqlite::WalEnd end);

 private:
  struct Sum {
    PageNo pgno;
    Checksum checksum;
  };
  [[nodiscard]] Result<uint64_t> sum_changes(ChangeSet& changes, PageReader& pages);
  [[nodiscard]] ltx::Header header_for(const ChangeSet& changes, const Stamp& stamp) const;
  [[nodiscard]] Status write(const ChangeSet& changes, PageReader& pages, const ltx::Header& header,
                             Checksum post_apply);
  [[nodiscard]] Status encode(const ChangeSet& changes, PageReader& pages,
                              const ltx::Header& header, Checksum post_apply,
                              const CommitLog::Sink* drain);

  std::unique_ptr<PageChecksums> table_;
  std::unique_ptr<CommitLog> log_;
  std::vector<Sum> staged_sums_;
  TableState staged_;
  bool is_staged_ = false;
  bool staged_every_page_ = false;
  uint64_t staged_bytes_ = 0;
  Bytes record_;
};

}  // namespace skerry::db
