// History: transactions that come from another node.

#include <fmt/format.h>

#include <algorithm>

#include "daemon/db/history.h"
#include "ltx/base/invariant.h"

namespace skerry::db {

bool History::holds_every_page(const ltx::Header& header) const {
  return header.is_snapshot() || state().commit == 0 ||
         header.page_size.bytes() != state().page_bytes;
}

Status History::check(const Received& received) const {
  const ltx::Header& header = received.header;
  const TableState& now = state();
  const bool follows = header.is_snapshot() ? now.position.txid == Txid(0)
                                            : header.pre_apply_position() == now.position;
  if (!follows) {
    return fail(Errc::kInvalid,
                fmt::format("a transaction for position {} does not follow {}",
                            to_string(header.pre_apply_position()), to_string(now.position)));
  }
  const bool every_page = holds_every_page(header);
  uint64_t sum = every_page ? 0 : now.position.checksum.value();
  for (const PageSum& page : received.pages) {
    sum ^= page.checksum.value();
    if (!every_page) sum ^= table_->get(page.pgno).value();
  }
  for (uint32_t p = header.commit + 1; !every_page && p <= now.commit; ++p) {
    sum ^= table_->get(PageNo(p)).value();
  }
  const Checksum found = header.commit == 0 ? kEmptyChecksum : Checksum(sum | kChecksumFlag);
  if (found == received.post_apply) return {};
  return fail(
      Errc::kCorrupt,
      fmt::format("transaction {}: with its pages the database would sum up to {}, but it "
                  "says {}",
                  to_string(header.max_txid), to_string(found), to_string(received.post_apply)));
}

Status History::begin_stage(const Received& received) {
  INVARIANT(!is_staged_);
  TRY(check(received));
  return table_->reserve(received.header.commit);
}

Transaction History::finish_stage(Received received) {
  const ltx::Header& header = received.header;
  const TableState& old = state();
  staged_ = old;
  staged_.position = {header.max_txid, received.post_apply};
  staged_.epoch = std::max(old.epoch, header.epoch);
  staged_.timestamp_ms = header.timestamp_ms;
  staged_.commit = header.commit;
  staged_.page_bytes = header.page_size.bytes();
  staged_every_page_ = holds_every_page(header);
  staged_sums_ = std::move(received.pages);
  is_staged_ = true;
  Transaction transaction;
  transaction.header = header;
  transaction.post_apply = received.post_apply;
  transaction.ltx_bytes = received.ltx_bytes;
  transaction.pages = static_cast<uint32_t>(staged_sums_.size());
  return transaction;
}

Result<Transaction> History::stage(Received received, uint32_t flags, ByteSpan record) {
  TRY(begin_stage(received));
  TRY(log_->write({flags, 0, received.header.min_txid, received.header.max_txid}, record));
  return finish_stage(std::move(received));
}

Result<Transaction> History::stage(Received received, uint32_t flags, const std::string& path) {
  TRY(begin_stage(received));
  TRY(log_->take_file(
      {flags, received.ltx_bytes, received.header.min_txid, received.header.max_txid}, path));
  return finish_stage(std::move(received));
}

Result<Transaction> History::stage_again(Received received, uint64_t log_offset) {
  TRY(begin_stage(received));
  Transaction transaction = finish_stage(std::move(received));
  staged_in_log_ = true;
  staged_.log_offset = log_offset;
  return transaction;
}

void History::start_over(std::unique_ptr<PageChecksums> table) {
  for (HistoryWatch* watch : watches_) watch->published(state(), table->state(), {});
  table_ = std::move(table);
}

Status History::rebase(Txid txid) {
  INVARIANT(!is_staged_ && txid != Txid(0));
  TRY(log_->reset());
  TableState moved = state();
  moved.position.txid = Txid(txid.value() - 1);
  moved.log_offset = 0;
  moved.synced_txid = Txid(0);
  table_->save(moved);
  return {};
}

}  // namespace skerry::db
