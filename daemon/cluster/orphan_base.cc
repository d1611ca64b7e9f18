#include "daemon/cluster/orphan_base.h"

#include <map>
#include <set>

#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/encoder.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::cluster {
namespace {

using os::Site;

class BaseSearch {
 public:
  BaseSearch(db::Database& database, const BaseWanted& wanted, os::File& end_pages)
      : database_(database), wanted_(wanted), end_pages_(end_pages) {}

  Result<std::optional<Bytes>> run(std::span<const db::StoredLtx> lost) {
    const std::optional<Bytes> none;
    TRY_ASSIGN(const bool is_whole, read_shape(lost));
    if (!is_whole) return none;
    TRY_ASSIGN(const bool fits, collect_changed(lost));
    if (!fits) return none;
    TRY(search_history());
    TRY(search_file());
    TRY_ASSIGN(const Checksum sum, sum_at_fork());
    if (!missing_.empty() || sum != wanted_.fork.checksum) return none;
    TRY_ASSIGN(Bytes file, encode());
    return std::optional(std::move(file));
  }

 private:
  // How large the database was at the fork; false if that, or the way from there, is not known.
  Result<bool> read_shape(std::span<const db::StoredLtx> lost) {
    if (lost.empty() || lost.front().first() != next(wanted_.fork.txid)) return false;
    TRY_ASSIGN(auto at_fork, database_.log().stored(wanted_.fork.txid));
    if (!at_fork || at_fork->last() != wanted_.fork.txid) return false;
    TRY_ASSIGN(const ltx::Header header, at_fork->header());
    page_size_ = header.page_size;
    commit_ = header.commit;
    page_.resize(page_size_.bytes());
    return commit_ != 0;
  }

  Result<bool> collect_changed(std::span<const db::StoredLtx> lost) {
    const size_t pages_max = kBaseBytesMax / page_size_.bytes();
    for (const db::StoredLtx& piece : lost) {
      TRY_ASSIGN(const ltx::Header header, piece.header());
      if (header.page_size != page_size_) return false;
      db::StoredLtxSource source(piece);
      ltx::Decoder decoder(source);
      TRY(decoder.header());
      for (;;) {
        TRY_ASSIGN(const auto pgno, decoder.next_page(page_));
        if (!pgno) break;
        changed_.insert(*pgno);
        if (changed_.size() > pages_max) return false;
      }
      TRY(decoder.finish());
    }
    for (uint32_t p = wanted_.end_commit + 1; p <= commit_; ++p) {
      if (PageNo(p) != sqlite::lock_page(page_size_)) changed_.insert(PageNo(p));
      if (changed_.size() > pages_max) return false;
    }
    for (const PageNo pgno : changed_) {
      if (pgno.value() <= commit_) missing_.insert(pgno);
    }
    return true;
  }

  // The newest version up to the fork.
  Status search_history() {
    for (Txid txid = wanted_.fork.txid; txid != Txid(0) && !missing_.empty();) {
      TRY_ASSIGN(auto stored, database_.log().stored(txid));
      if (!stored) return {};
      db::StoredLtxSource source(*stored);
      ltx::Decoder decoder(source);
      TRY_ASSIGN(const ltx::Header header, decoder.header());
      if (header.page_size != page_size_) return {};
      for (;;) {
        TRY_ASSIGN(const auto pgno, decoder.next_page(page_));
        if (!pgno) break;
        if (missing_.erase(*pgno) != 0) base_.emplace(*pgno, page_);
      }
      TRY(decoder.finish());
      txid = Txid(header.min_txid.value() - 1);
    }
    return {};
  }

  // What was not changed for long, and is newer in the WAL alone. Proved by the sum.
  Status search_file() {
    if (missing_.empty()) return {};
    const auto file = database_.open_file(db::FileKind::kDatabase);
    if (!file) return {};
    for (auto it = missing_.begin(); it != missing_.end();) {
      TRY_ASSIGN(const size_t n,
                 (*file)->read_at(Site("orphan:base:read"), page_offset(*it, page_size_), page_));
      if (n != page_.size()) return {};
      base_.emplace(*it, page_);
      it = missing_.erase(it);
    }
    return {};
  }

  Result<Checksum> sum_at_fork() {
    Checksum sum = wanted_.end.checksum;
    for (const PageNo pgno : changed_) {
      if (pgno.value() > wanted_.end_commit) continue;
      TRY_ASSIGN(const size_t n, end_pages_.read_at(Site("orphan:base:read"),
                                                    page_offset(pgno, page_size_), page_));
      if (n != page_.size()) return kEmptyChecksum;
      sum = sum ^ ltx::page_checksum(pgno, page_);
    }
    for (const auto& [pgno, page] : base_) sum = sum ^ ltx::page_checksum(pgno, page);
    return sum;
  }

  Result<Bytes> encode() const {
    Bytes out;
    ltx::Header header;
    header.page_size = page_size_;
    header.commit = commit_;
    header.min_txid = header.max_txid = next(wanted_.end.txid);
    header.timestamp_ms = wanted_.now_ms;
    header.pre_apply_checksum = wanted_.end.checksum;
    header.node_id = wanted_.node;
    header.epoch = wanted_.epoch;
    ltx::Encoder encoder(out);
    TRY(encoder.begin(header));
    for (const auto& [pgno, page] : base_) TRY(encoder.add_page(pgno, page));
    TRY(encoder.finish(wanted_.fork.checksum));
    return out;
  }

  db::Database& database_;
  const BaseWanted wanted_;
  os::File& end_pages_;
  PageSize page_size_ = *PageSize::of(4096);
  uint32_t commit_ = 0;  // pages at the fork
  Bytes page_;
  std::set<PageNo> changed_;
  std::set<PageNo> missing_;
  std::map<PageNo, Bytes> base_;
};

}  // namespace

Result<std::optional<Bytes>> base_of(db::Database& database, const BaseWanted& wanted,
                                     std::span<const db::StoredLtx> lost, os::File& end_pages) {
  return BaseSearch(database, wanted, end_pages).run(lost);
}

}  // namespace skerry::cluster
