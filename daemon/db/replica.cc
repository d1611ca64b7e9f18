#include "daemon/db/replica.h"

#include <fmt/format.h>

#include "daemon/db/database_internal.h"
#include "ltx/base/invariant.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::db {

Replica::View Replica::view() const {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  const TableState& state = db.history_->state();
  const auto& chain = db.wal_.chain();
  return {state.position,
          state.epoch,
          state.commit,
          state.page_bytes,
          db.file(FileKind::kDatabase),
          db.file(FileKind::kWal),
          chain.header(),
          chain.end(),
          db.journal_active_,
          db.rollback_.touched() || db.unjournaled_ || db.foreign_,
          db.must_redo_};
}

Result<std::optional<sqlite::DbHeader>> Replica::header() const {
  const std::lock_guard lock(database_->mutex_);
  return database_->read_header();
}

Result<ByteView> Replica::page(PageNo pgno, ByteSpan scratch) {
  Database& db = *database_;
  std::unique_lock lock(db.mutex_);
  const TableState& state = db.history_->state();
  if (pgno == PageNo(0) || pgno.value() > state.commit) {
    return fail(Errc::kNotFound,
                fmt::format("database {} has no page {}", db.name(), pgno.value()));
  }
  const PageSize page_size = *PageSize::of(state.page_bytes);
  uint32_t frame = 0;
  if (db.wal_.indexed() || !db.file(FileKind::kWal)) {
    frames_.clear();
    TRY_ASSIGN(frame, db.wal_.frame_of(pgno));
  } else {
    for (;;) {
      TRY_ASSIGN(const bool complete, frames_.advance(db.wal_, *db.file(FileKind::kWal)));
      if (complete) break;
      lock.unlock();
      lock.lock();
    }
    frame = frames_.frame_of(pgno);
  }
  WalPages pages(db.wal_, db.file(FileKind::kDatabase).get(), page_size, scratch);
  return pages.read({pgno, frame});
}

Status Replica::check(const Received& received) const {
  const std::lock_guard lock(database_->mutex_);
  return database_->history_->check(received);
}

void Replica::staged(Way way, Transaction transaction) {
  database_->staged_ = std::move(transaction);
  database_->applying_ = way == Way::kWal ? Database::Applying::kWal : Database::Applying::kFile;
}

Status Replica::stage(Way way, Received received, uint32_t flags, ByteSpan record) {
  const std::lock_guard lock(database_->mutex_);
  TRY(database_->check_may_apply());
  TRY_ASSIGN(auto transaction, database_->history_->stage(std::move(received), flags, record));
  staged(way, std::move(transaction));
  return {};
}

Status Replica::stage(Way way, Received received, uint32_t flags, const std::string& path) {
  const std::lock_guard lock(database_->mutex_);
  TRY(database_->check_may_apply());
  TRY_ASSIGN(auto transaction, database_->history_->stage(std::move(received), flags, path));
  staged(way, std::move(transaction));
  return {};
}

std::optional<Replica::Redo> Replica::next_redo() const {
  const std::lock_guard lock(database_->mutex_);
  if (!database_->must_redo_) return std::nullopt;
  const auto found = database_->history_->log().find(next(database_->history_->position().txid));
  if (!found) return std::nullopt;
  return Redo{found->segment, found->place};
}

Status Replica::mark_in_place() {
  const std::lock_guard lock(database_->mutex_);
  return database_->history_->mark_staged(RecordHead::kInPlace);
}

Status Replica::mark_in_place(const Redo& redo) {
  RecordHead head = redo.place.head;
  head.flags |= RecordHead::kInPlace;
  return redo.segment->write(os::Site("apply:redo:mark"), redo.place.offset, encode(head));
}

Status Replica::stage_redo(Way way, Received received, const Redo& redo) {
  const std::lock_guard lock(database_->mutex_);
  INVARIANT(database_->must_redo_ && database_->applying_ == Database::Applying::kNo);
  TRY_ASSIGN(auto transaction,
             database_->history_->stage_again(std::move(received), redo.place.offset));
  staged(way, std::move(transaction));
  return {};
}

// With the mutex held: fsync of the log is short, and nobody but readers works on the database.
Status Replica::sync_staged() {
  const std::lock_guard lock(database_->mutex_);
  return database_->history_->sync_staged();
}

Result<ltx::Header> Replica::own_header(PageSize page_size, uint32_t pages) {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  TRY(db.env_.gate.may_write(db));
  const Position position = db.history_->position();
  const Stamp stamp = db.stamp();
  ltx::Header header;
  header.page_size = page_size;
  header.commit = pages;
  header.min_txid = header.max_txid = next(position.txid);
  if (!header.is_snapshot()) header.pre_apply_checksum = position.checksum;
  header.timestamp_ms = stamp.timestamp_ms;
  header.node_id = stamp.node;
  header.epoch = stamp.epoch;
  return header;
}

Status Replica::confirm() {
  struct Answer {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Status> verdict;
  } answer;
  Transaction transaction;
  {
    const std::lock_guard lock(database_->mutex_);
    transaction = *database_->staged_;
    TRY(database_->env_.gate.may_write(*database_));
    TRY_ASSIGN(const auto decision, database_->env_.gate.may_commit(*database_, transaction));
    if (decision == CommitGate::Decision::kGrant) return {};
  }
  database_->env_.gate.hold(*database_, transaction, [&answer](Status verdict) {
    const std::lock_guard lock(answer.mutex);
    answer.verdict = std::move(verdict);
    answer.came.notify_one();
  });
  std::unique_lock lock(answer.mutex);
  answer.came.wait(lock, [&answer] { return answer.verdict.has_value(); });
  return *std::move(answer.verdict);
}

void Replica::end() {
  Database& db = *database_;
  db.applying_ = Database::Applying::kNo;
  db.must_redo_ = db.must_redo_ && db.history_->log().last() > db.history_->position().txid;
}

void Replica::publish_wal(const sqlite::WalHeader& header, sqlite::WalEnd wal_end) {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  INVARIANT(db.applying_ == Database::Applying::kWal);
  std::vector<uint32_t> pages;
  pages.reserve(db.history_->staged_pages().size());
  for (const PageSum& page : db.history_->staged_pages()) pages.push_back(page.pgno.value());
  db.history_->stage_wal(header.salt, wal_end);
  db.wal_.adopt(header, wal_end, pages);
  db.wal_bytes_ = std::max(db.wal_bytes_, db.wal_.chain().offset_after(wal_end.frames));
  db.wal_synced_ = false;
  db.publish();
  end();
}

void Replica::publish_file() {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  INVARIANT(db.applying_ == Database::Applying::kFile);
  db.wal_.restart(std::nullopt);
  db.rollback_.clear();
  db.before_images_.clear();
  db.unjournaled_ = db.foreign_ = db.journal_active_ = false;
  db.publish();
  end();
  db.history_->settle();
}

std::vector<Checksum> Replica::trusted_checksums(PageNo first, uint32_t count) const {
  auto sums = committed_checksums(*database_, first, count);
  const std::lock_guard lock(database_->mutex_);
  const PageChecksums& table = database_->history_->table();
  for (uint32_t i = 0; i < sums.size(); ++i) {
    if (table.dirty(PageNo(first.value() + i))) sums[i] = Checksum(0);
  }
  return sums;
}

Status Replica::rebase(Txid txid) {
  const std::lock_guard lock(database_->mutex_);
  TRY(database_->check_may_apply());
  return database_->history_->rebase(txid);
}

Status Replica::become(const ltx::Header& header, Checksum post_apply,
                       std::unique_ptr<PageChecksums> sums) {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  TRY(db.check_may_apply());
  TableState state;
  state.position = {header.max_txid, post_apply};
  state.epoch = std::max(db.history_->state().epoch, header.epoch);
  state.timestamp_ms = header.timestamp_ms;
  state.commit = header.commit;
  state.page_bytes = header.page_size.bytes();
  state.synced_txid = header.max_txid;
  state.boot_id = db.env_.boot_id;
  state.image_pending = true;
  sums->save(state);
  TRY(sums->sync());
  TRY(db.env_.fs.rename(os::Site("image:become"), fmt::format("{}/{}", db.dir(), kImageSumsName),
                        db.dir() + "/checksums"));
  db.history_->start_over(std::move(sums));
  return {};
}

Status Replica::complete_become(const ltx::Header& header) {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  TRY(db.finish_image());
  Transaction transaction;
  transaction.header = header;
  transaction.post_apply = db.history_->position().checksum;
  transaction.pages = header.commit;
  db.env_.listener.committed(db, transaction);
  return {};
}

void Replica::note_checkpointed(std::span<const PageNo> pages) {
  const std::lock_guard lock(database_->mutex_);
  for (const PageNo pgno : pages) database_->wal_.checkpointed(pgno, true);
}

void Replica::forget_wal() {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  db.wal_.restart(std::nullopt);
}

Status Replica::abandon() {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  db.staged_.reset();
  db.applying_ = Database::Applying::kNo;
  auto gone = db.history_->abandon();
  db.history_->settle();
  return gone;
}

Result<std::shared_ptr<os::File>> Replica::create_database_file() {
  Database& db = *database_;
  const std::lock_guard lock(db.mutex_);
  auto& file = db.file(FileKind::kDatabase);
  if (!file) {
    TRY_ASSIGN(auto created, db.env_.fs.open(os::Site("apply:create"), db.path(FileKind::kDatabase),
                                             os::OpenMode::kCreate));
    db.attach(FileKind::kDatabase, std::move(created));
  }
  return file;
}

}  // namespace skerry::db
