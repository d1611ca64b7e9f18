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
#include <span>
#include <vector>

#include "daemon/db/change_set.h"
#include "daemon/db/commit_images.h"
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
  std::shared_ptr<const CommitImages> images{};  // null unless the listener wants them
  // Readers on this machine do not see it yet: it is in the WAL, and its writer, once the write is
  // answered, tells the wal-index. What came before it they do see.
  bool appears_later = false;

  [[nodiscard]] Position position() const { return {header.max_txid, post_apply}; }
};

struct PageSum {
  PageNo pgno;
  Checksum checksum;
};

// Told of each transaction that becomes part of the history, with the database's mutex held.
class HistoryWatch {
 public:
  virtual ~HistoryWatch() = default;
  virtual void published(const TableState& before, const TableState& after,
                         std::span<const PageSum> pages) = 0;
  // Nothing uncommitted is in the database file any more.
  virtual void settled() = 0;
};

// A transaction that was put together elsewhere; its LTX image is written already.
struct Received {
  ltx::Header header;
  Checksum post_apply;
  uint64_t ltx_bytes = 0;
  std::vector<PageSum> pages;  // ascending
};

class History {
 public:
  History(std::unique_ptr<PageChecksums> table, std::unique_ptr<CommitLog> log)
      : table_(std::move(table)), log_(std::move(log)) {}

  [[nodiscard]] const TableState& state() const { return table_->state(); }
  [[nodiscard]] Position position() const { return state().position; }
  [[nodiscard]] PageChecksums& table() { return *table_; }
  [[nodiscard]] const PageChecksums& table() const { return *table_; }
  [[nodiscard]] CommitLog& log() { return *log_; }
  [[nodiscard]] const CommitLog& log() const { return *log_; }

  // Drops pages from `changes` whose content is what it was. If nothing remains and the size is the
  // same there is no transaction: the result is empty and nothing is staged.
  [[nodiscard]] Result<std::optional<Transaction>> stage(ChangeSet& changes, PageReader& pages,
                                                         const Stamp& stamp);

  // The same for what comes from another node. check(): kInvalid if it does not follow the
  // position; kCorrupt if the pages do not make of the committed state what `post_apply` says. In
  // O(pages of the transaction).
  [[nodiscard]] Status check(const Received& received) const;
  // check() was right. `record` as CommitLog::write has it.
  [[nodiscard]] Result<Transaction> stage(Received received, uint32_t flags, ByteSpan record);
  // The record is in a file of its own, which becomes part of the log.
  [[nodiscard]] Result<Transaction> stage(Received received, uint32_t flags,
                                          const std::string& path);
  // The record stands in the log already, there: recovery left it to be done.
  [[nodiscard]] Result<Transaction> stage_again(Received received, uint64_t log_offset);
  // The transaction stands in the WAL, up to there.
  void stage_wal(sqlite::WalSalt salt, sqlite::WalEnd end) {
    staged_.wal_salt = salt;
    staged_.wal_end = end;
  }
  [[nodiscard]] std::span<const PageSum> staged_pages() const { return staged_sums_; }

  [[nodiscard]] Status sync_staged() { return log_->sync_written(); }
  [[nodiscard]] Status mark_staged(uint32_t flags) { return log_->mark_written(flags); }
  void publish();
  [[nodiscard]] Status abandon();

  // Another table and state, whose past is not known.
  void start_over(std::unique_ptr<PageChecksums> table);
  // The position becomes the one before `txid`, with the pages as they are, and the log empty.
  [[nodiscard]] Status rebase(Txid txid);

  // The WAL moved without a transaction: a restart, or a commit that changed nothing.
  void note_wal(sqlite::WalSalt salt, sqlite::WalEnd end);

  // A watch must be taken away before it ends.
  void add_watch(HistoryWatch* watch) { watches_.push_back(watch); }
  void remove_watch(HistoryWatch* watch) { std::erase(watches_, watch); }
  [[nodiscard]] size_t watches() const { return watches_.size(); }
  // The file holds the committed state, after a commit or a rollback.
  void settle();

 private:
  [[nodiscard]] Result<uint64_t> sum_changes(ChangeSet& changes, PageReader& pages);
  [[nodiscard]] ltx::Header header_for(const ChangeSet& changes, const Stamp& stamp) const;
  [[nodiscard]] Status write(const ChangeSet& changes, PageReader& pages, const ltx::Header& header,
                             Checksum post_apply);
  [[nodiscard]] bool holds_every_page(const ltx::Header& header) const;
  [[nodiscard]] Status begin_stage(const Received& received);
  [[nodiscard]] Transaction finish_stage(Received received);
  [[nodiscard]] Status encode(const ChangeSet& changes, PageReader& pages,
                              const ltx::Header& header, Checksum post_apply,
                              const CommitLog::Sink* drain);

  std::unique_ptr<PageChecksums> table_;
  std::unique_ptr<CommitLog> log_;
  std::vector<PageSum> staged_sums_;
  TableState staged_;
  bool is_staged_ = false;
  bool staged_every_page_ = false;
  uint64_t staged_bytes_ = 0;
  bool staged_in_log_ = false;  // by a predecessor of this process
  Bytes record_;
  std::vector<HistoryWatch*> watches_;
};

}  // namespace skerry::db
