#include "daemon/db/history.h"

#include <algorithm>

#include "ltx/base/invariant.h"
#include "ltx/checksum.h"

namespace skerry::db {

// Up to here a transaction is encoded in memory and appended by one write.
static constexpr size_t kRecordInMemoryPagesMax = 64;
static constexpr size_t kDrainBytes = 1024 * 1024;
static constexpr size_t kRecordKeptBytesMax = 512 * 1024;

// Computes the changed pages' checksums, drops unchanged pages, and returns the XOR by which the
// database's checksum changes.
Result<uint64_t> History::sum_changes(ChangeSet& set, PageReader& pages) {
  uint64_t delta = 0;
  staged_sums_.clear();
  staged_sums_.reserve(set.changes.size());
  size_t kept = 0;
  for (const Change& change : set.changes) {
    TRY_ASSIGN(const ByteView page, pages.read(change));
    const Checksum checksum = ltx::page_checksum(change.pgno, page);
    const Checksum old = set.every_page ? Checksum(0) : table_->get(change.pgno);
    if (checksum == old) {
      if (table_->dirty(change.pgno)) table_->set(change.pgno, checksum);
      continue;
    }
    delta ^= checksum.value() ^ old.value();
    staged_sums_.push_back({change.pgno, checksum});
    set.changes[kept++] = change;
  }
  set.changes.resize(kept);
  return delta & ~kChecksumFlag;
}

ltx::Header History::header_for(const ChangeSet& set, const Stamp& stamp) const {
  const Txid txid = next(state().position.txid);
  ltx::Header header;
  header.page_size = set.page_size;
  header.commit = set.commit;
  header.min_txid = header.max_txid = txid;
  header.timestamp_ms = stamp.timestamp_ms;
  if (!header.is_snapshot()) header.pre_apply_checksum = state().position.checksum;
  if (set.wal_end.frames != 0) {
    header.wal_offset = sqlite::wal_frame_offset(set.wal_first, set.page_size);
    header.wal_bytes =
        uint64_t{set.wal_end.frames - set.wal_first + 1} * sqlite::wal_frame_bytes(set.page_size);
    header.wal_salt1 = set.wal_salt.salt1;
    header.wal_salt2 = set.wal_salt.salt2;
  }
  header.node_id = stamp.node;
  header.epoch = stamp.epoch;
  return header;
}

Result<std::optional<Transaction>> History::stage(ChangeSet& set, PageReader& pages,
                                                  const Stamp& stamp) {
  INVARIANT(!is_staged_);
  const TableState& old = state();
  TRY(table_->reserve(set.commit));
  TRY_ASSIGN(uint64_t delta, sum_changes(set, pages));
  uint64_t sum = set.every_page ? 0 : old.position.checksum.value();
  for (uint32_t p = set.commit + 1; !set.every_page && p <= old.commit; ++p) {
    sum ^= table_->get(PageNo(p)).value();
  }
  const bool same_shape = set.commit == old.commit && set.page_size.bytes() == old.page_bytes;
  if (staged_sums_.empty() && same_shape && !set.every_page) return std::nullopt;
  const Checksum post_apply((sum ^ delta) | kChecksumFlag);
  const ltx::Header header = header_for(set, stamp);
  TRY(write(set, pages, header, post_apply));
  staged_ = old;
  staged_.position = {header.max_txid, post_apply};
  staged_.epoch = std::max(old.epoch, stamp.epoch);
  staged_.timestamp_ms = stamp.timestamp_ms;
  staged_.commit = set.commit;
  staged_.page_bytes = set.page_size.bytes();
  if (set.wal_end.frames != 0) {
    staged_.wal_salt = set.wal_salt;
    staged_.wal_end = set.wal_end;
  }
  staged_every_page_ = set.every_page;
  is_staged_ = true;
  return Transaction{header, post_apply, staged_bytes_, static_cast<uint32_t>(set.changes.size())};
}

Status History::encode(const ChangeSet& set, PageReader& pages, const ltx::Header& header,
                       Checksum post_apply, const CommitLog::Sink* drain) {
  ltx::Encoder encoder(record_);
  TRY(encoder.begin(header));
  for (const Change& change : set.changes) {
    TRY_ASSIGN(const ByteView page, pages.read(change));
    TRY(encoder.add_page(change.pgno, page));
    if (drain != nullptr && record_.size() > kDrainBytes) {
      TRY((*drain)(record_));
      record_.clear();
    }
  }
  TRY(encoder.finish(post_apply));
  if (drain != nullptr) TRY((*drain)(record_));
  staged_bytes_ = encoder.bytes();
  return {};
}

Status History::write(const ChangeSet& set, PageReader& pages, const ltx::Header& header,
                      Checksum post_apply) {
  const RecordHead head{0, 0, header.min_txid, header.max_txid};
  Status written;
  record_.clear();
  if (set.changes.size() <= kRecordInMemoryPagesMax) {
    record_.resize(kRecordHeadBytes);
    TRY(encode(set, pages, header, post_apply, nullptr));
    written = log_->write(head, record_);
  } else {
    written = log_->write_streamed(head, [&](const CommitLog::Sink& sink) {
      return encode(set, pages, header, post_apply, &sink);
    });
  }
  if (record_.capacity() > kRecordKeptBytesMax) Bytes().swap(record_);
  return written;
}

void History::publish() {
  INVARIANT(is_staged_);
  if (!staged_in_log_) staged_.log_offset = log_->publish().offset;
  for (HistoryWatch* watch : watches_) watch->published(state(), staged_, staged_sums_);
  const uint32_t old_commit = state().commit;
  if (staged_every_page_) {
    table_->truncate(0, old_commit);
  } else if (staged_.commit < old_commit) {
    table_->truncate(staged_.commit, old_commit);
  }
  for (const PageSum& sum : staged_sums_) table_->set(sum.pgno, sum.checksum);
  table_->save(staged_);
  is_staged_ = staged_in_log_ = false;
  if (staged_sums_.capacity() > 4096) std::vector<PageSum>().swap(staged_sums_);
}

void History::settle() {
  for (HistoryWatch* watch : watches_) watch->settled();
}

Status History::abandon() {
  is_staged_ = staged_in_log_ = false;
  return log_->abandon();
}

void History::note_wal(sqlite::WalSalt salt, sqlite::WalEnd end) {
  TableState moved = state();
  moved.wal_salt = salt;
  moved.wal_end = end;
  table_->save(moved);
}

}  // namespace skerry::db
