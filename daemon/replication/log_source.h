// One transaction (or several merged into one) out of the commit log, as frames. Pure reading; not
// thread-safe.
#pragma once

#include "daemon/db/stored_ltx.h"
#include "daemon/replication/frames.h"
#include "daemon/replication/page_codec.h"
#include "ltx/decoder.h"

namespace skerry::replication {

class LogSource {
 public:
  // `next`: the first txid that the replica lacks.
  LogSource(db::StoredLtx stored, DbIndex db, Txid next, int64_t clock_base_ms);

  // Appends the next frames, some kBlockBytesMax of pages. True once the last one is appended.
  [[nodiscard]] Result<bool> append_next(PagePacker& packer, Bytes& message);

  // After the last.
  [[nodiscard]] Position position() const {
    return {header_.max_txid, trailer_.post_apply_checksum};
  }

 private:
  [[nodiscard]] Result<bool> fill_block();

  db::StoredLtxSource source_;
  ltx::Decoder decoder_;
  const DbIndex db_;
  const Txid next_;
  const int64_t clock_base_ms_;
  bool begun_ = false;
  ltx::Header header_;
  ltx::Trailer trailer_;
  std::vector<PageNo> pages_;
  Bytes content_;
};

}  // namespace skerry::replication
