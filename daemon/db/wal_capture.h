// Captures transactions from a database's WAL: the chain of frames (ltx/sqlite/wal_chain.h), a
// cache of the uncommitted tail's pages, and where each page's newest committed frame is.
//
// Not thread-safe: the database's mutex guards it. Memory: 256 KiB of tail pages, 12 bytes per
// uncommitted frame, and an index of at most kIndexedPagesMax pages.
#pragma once

#include <unordered_map>

#include "daemon/db/change_set.h"
#include "daemon/os/file_system.h"
#include "ltx/sqlite/wal_chain.h"

namespace skerry::db {

class WalCapture {
 public:
  // `wal` is read for what was written before; null while there is no file.
  void attach(os::File* wal) { file_.attach(wal); }

  using Effect = sqlite::WalChain::Effect;
  using Outcome = sqlite::WalChain::Outcome;

  [[nodiscard]] Result<Outcome> offer(uint64_t offset, ByteView data);
  [[nodiscard]] Result<Effect> scan();
  void resume(const sqlite::WalHeader& header, sqlite::WalEnd end, uint64_t file_bytes);
  void restart(const std::optional<sqlite::WalHeader>& header);
  void truncate(uint64_t file_bytes);
  // Goes back to the last commit before the frame at `offset`, which is being overwritten.
  [[nodiscard]] Status rewind(uint64_t offset);

  // Gives the waiting commit's frames new headers, where the writer left them without
  // (wal_chain.h).
  [[nodiscard]] bool needs_resum() const { return chain_.needs_resum(); }
  [[nodiscard]] Status resum(const sqlite::WalChain::WriteHeader& write) {
    return chain_.resum(file_, write);
  }
  void commit();
  // Frames that this process has written itself: the WAL now ends there. `pages` are those of the
  // last frames.
  void adopt(const sqlite::WalHeader& header, sqlite::WalEnd end,
             const std::vector<uint32_t>& pages);
  void refuse();
  void forget_unwritten();

  // Of the commit that waits. Pages that the database gained without writing them count as changed.
  [[nodiscard]] Result<ChangeSet> changes(uint32_t old_commit);

  [[nodiscard]] const sqlite::WalChain& chain() const { return chain_; }
  [[nodiscard]] bool has_frames() const { return chain_.end().frames != 0; }
  [[nodiscard]] std::optional<sqlite::WalSalt> salt() const;

  // A checkpoint wrote the page to the database file, as the newest frame has it or not.
  void checkpointed(PageNo pgno, bool as_newest);
  // The indexed pages of which no checkpoint was seen that brought the newest frame.
  [[nodiscard]] std::vector<PageNo> not_checkpointed() const;

  // Indexes the committed frames of before resume(); false, and nothing done, if they are too many.
  [[nodiscard]] Result<bool> build_index();
  // frame_of() need not walk the WAL.
  [[nodiscard]] bool indexed() const { return index_complete_; }
  [[nodiscard]] bool knows(PageNo pgno) const { return newest_.contains(pgno.value()); }
  // The page's newest committed frame; 0: it is in the database file. Walks the WAL if the page is
  // not indexed.
  [[nodiscard]] Result<uint32_t> frame_of(PageNo pgno);
  // A frame's page; the frame may belong to the commit that waits.
  [[nodiscard]] Result<ByteView> read_frame(uint32_t frame, ByteSpan scratch);

 private:
  // What the chain reads through, and where it reports verified frames.
  class File final : public sqlite::WalFile {
   public:
    explicit File(WalCapture& owner) : owner_(owner) {}
    void attach(os::File* wal) { wal_ = wal; }
    Result<size_t> read_at(uint64_t offset, ByteSpan into) override;
    void verified(uint32_t frame, ByteView page) override { owner_.keep(frame, page); }

   private:
    WalCapture& owner_;
    os::File* wal_ = nullptr;
  };

  void keep(uint32_t frame, ByteView page);
  void index_committed(const std::vector<uint32_t>& pages, uint32_t first_frame);
  [[nodiscard]] Status add_unwritten(ChangeSet& set, uint32_t old_commit);
  [[nodiscard]] Result<uint32_t> find_frame_by_walking(PageNo pgno);
  [[nodiscard]] size_t page_bytes() const { return chain_.header()->page_size.bytes(); }

  sqlite::WalChain chain_;
  File file_{*this};
  Bytes tail_pages_;  // of frames tail_first_, tail_first_ + 1, …
  uint32_t tail_first_ = 1;
  struct Newest {
    uint32_t frame = 0;  // committed
    bool in_file = false;
  };
  std::unordered_map<uint32_t, Newest> newest_;  // by page
  size_t in_file_ = 0;                           // of them
  bool index_complete_ = true;
};

}  // namespace skerry::db
