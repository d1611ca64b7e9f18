#include "daemon/replication/log_source.h"

namespace skerry::replication {

LogSource::LogSource(db::StoredLtx stored, DbIndex db, Txid next, int64_t clock_base_ms)
    : source_(std::move(stored)),
      decoder_(source_),
      db_(db),
      next_(next),
      clock_base_ms_(clock_base_ms) {}

// False: the transaction has no further pages.
Result<bool> LogSource::fill_block() {
  const size_t page_bytes = header_.page_size.bytes();
  const size_t pages_max = std::min(kBlockPagesMax, kBlockBytesMax / page_bytes);
  pages_.clear();
  content_.resize(pages_max * page_bytes);
  while (pages_.size() < pages_max) {
    const ByteSpan into = ByteSpan(content_).subspan(pages_.size() * page_bytes, page_bytes);
    TRY_ASSIGN(const auto pgno, decoder_.next_page(into));
    if (!pgno) return false;
    pages_.push_back(*pgno);
  }
  return true;
}

Result<bool> LogSource::append_next(PagePacker& packer, Bytes& message) {
  TransactionHead head;
  if (!begun_) {
    TRY_ASSIGN(header_, decoder_.header());
    head.further_txids = static_cast<uint32_t>(header_.max_txid.value() - next_.value());
    head.origin = Origin{header_.node_id, header_.epoch};
    head.page_size = header_.page_size;
    head.commit = header_.commit;
    head.clock_ms = header_.timestamp_ms - clock_base_ms_;
  }
  TRY_ASSIGN(const bool more, fill_block());
  std::vector<PageImage> images;
  images.reserve(pages_.size());
  for (size_t i = 0; i < pages_.size(); ++i) {
    images.push_back(
        {pages_[i],
         {},
         ByteView(content_).subspan(i * header_.page_size.bytes(), header_.page_size.bytes())});
  }
  Bytes block;
  TRY(packer.pack(images, block));
  if (!more) {
    TRY_ASSIGN(trailer_, decoder_.finish());
  }
  if (!begun_ && !more) {
    append_frame(message, TransactionFrame{db_, head, trailer_.post_apply_checksum, block});
    return true;
  }
  if (!begun_) append_frame(message, Begin{db_, head});
  begun_ = true;
  append_frame(message, Pages{block});
  if (!more) append_frame(message, Commit{trailer_.post_apply_checksum});
  return !more;
}

}  // namespace skerry::replication
