// Follows one write-ahead log write by write and finds its commits.
//
// A commit is the write after which the checksum chain from the last commit through a frame with
// commit ≠ 0 is valid. The flag alone does not tell: after a cache spill SQLite writes the frame
// that carries it and then rewrites the headers of earlier frames. So each write is offered before
// it reaches the file; the one that completes a commit is handed back for a decision, and the
// caller writes it and calls commit(), or does not and calls refuse().
//
// SQLite before 3.44 has a defect that is healed here: after a rollback to a savepoint that undid
// frames which were written twice, it writes the remaining frames of the transaction without salt
// and checksum, commit frame included, and lets the next transactions continue from the checksum
// before them. Such commits are visible to every process, but SQLite's own recovery would lose
// them. The chain knows such a commit (nothing remains to be rewritten below its last frame),
// follows the writer's checksums, and asks for the frames to be summed anew on disk
// (needs_resum()).
//
// Frames below the last commit are never written again within a generation, unless a writer died or
// failed between its commit and the wal-index (kRewinds), or the same write arrives twice
// (kRepeats). A new header begins a new generation (kRestart).
//
// Pure but for reading the file's earlier bytes through WalFile. Not thread-safe. Memory: one frame
// and four bytes per uncommitted frame.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "ltx/base/result.h"
#include "ltx/sqlite/wal.h"

namespace skerry::sqlite {

// The WAL's bytes as they were before the offered write.
class WalFile {
 public:
  virtual ~WalFile() = default;
  // Fills `into` as far as the file reaches and says how far.
  [[nodiscard]] virtual Result<size_t> read_at(uint64_t offset, ByteSpan into) = 0;
  // A frame (from 1) was found to continue the chain; `page` is valid during the call.
  virtual void verified(uint32_t frame, ByteView page) {
    (void)frame;
    (void)page;
  }
};

// The end of the committed frames: enough to go on from, after a restart, without reading them.
struct WalEnd {
  uint32_t frames = 0;
  WalChecksum checksum;         // of the last of them on disk, or of the header
  WalChecksum writer_checksum;  // from which the writers go on; the same but for the defect above
  friend bool operator==(WalEnd, WalEnd) = default;
};

class WalChain {
 public:
  enum class Effect {
    kTail,       // uncommitted bytes, or bytes that mean nothing
    kCompletes,  // a commit: commit() or refuse() must follow
    kRestart,    // a new WAL header: restart() must follow once it is written
    kRepeats,    // equals what is committed there already
    kRewinds,    // overwrites committed frames with other bytes
  };
  struct Outcome {
    Effect effect = Effect::kTail;
    size_t bytes = 0;  // of the offered write that this outcome covers; offer the rest again
  };

  // No WAL, or one without a valid header.
  WalChain() = default;

  // Goes on after `end`, in a WAL with this header whose file is `file_bytes` long.
  void resume(const WalHeader& header, WalEnd end, uint64_t file_bytes);
  void restart(const std::optional<WalHeader>& header);
  void truncate(uint64_t file_bytes);

  [[nodiscard]] Result<Outcome> offer(uint64_t offset, ByteView data, WalFile& file);
  // Looks for a commit in what is in the file already, as after a crash: kCompletes or kTail.
  [[nodiscard]] Result<Effect> scan(WalFile& file);

  // To be called before commit(), once the offered bytes are written, if needs_resum(): hands out
  // new frame headers for the transaction, to be written at the given offsets.
  [[nodiscard]] bool needs_resum() const;
  using WriteHeader = std::function<Status(uint64_t offset, ByteView header)>;
  [[nodiscard]] Status resum(WalFile& file, const WriteHeader& write);

  void commit();
  void refuse();
  // The offered bytes could not be written: what the file holds counts, not what was offered.
  void forget_unwritten();

  [[nodiscard]] const std::optional<WalHeader>& header() const { return header_; }
  [[nodiscard]] WalEnd end() const { return end_; }
  // Page numbers of the verified frames after end(), in file order; all of them while a commit
  // waits.
  [[nodiscard]] const std::vector<uint32_t>& tail() const { return tail_; }
  // While a commit waits: the database's pages after it, and the content of its last frame, part
  // of which may not be in the file yet.
  [[nodiscard]] uint32_t commit_pages() const { return commit_pages_; }
  [[nodiscard]] WalEnd commit_end() const;
  [[nodiscard]] ByteView last_page() const;

  [[nodiscard]] uint64_t offset_after(uint32_t frames) const;

 private:
  [[nodiscard]] uint32_t frontier() const {
    return end_.frames + static_cast<uint32_t>(tail_.size()) + 1;
  }
  [[nodiscard]] Result<Outcome> offer_header(ByteView data, WalFile& file);
  [[nodiscard]] Result<Outcome> offer_committed(uint64_t offset, ByteView data, WalFile& file);
  [[nodiscard]] Result<Outcome> offer_frame(uint32_t frame, uint64_t offset, ByteView data,
                                            WalFile& file);
  [[nodiscard]] Status step_back(uint32_t frame, WalFile& file);
  [[nodiscard]] bool follow_rewrites(uint32_t frame, size_t at, ByteView data);
  [[nodiscard]] Status fill_frontier(size_t at, ByteView data, WalFile& file);
  [[nodiscard]] Result<bool> load_frontier(WalFile& file);
  [[nodiscard]] Result<bool> verify_frontier(WalFile& file);
  [[nodiscard]] Result<WalChecksum> stored_checksum(uint32_t frame, WalFile& file);
  [[nodiscard]] Status notice_resumming(uint32_t frame, size_t at, ByteView data, WalFile& file);
  [[nodiscard]] Result<bool> accept_unsummed(uint32_t end, WalFile& file);
  [[nodiscard]] Result<bool> commits_unsummed(uint32_t frame, ByteView data, WalFile& file);

  std::optional<WalHeader> header_;
  WalEnd end_;
  std::vector<uint32_t> tail_;
  WalChecksum tail_checksum_;      // the writer's, of the last frame in tail_
  WalChecksum previous_checksum_;  // of the one before, while a commit waits
  size_t summed_ = 0;              // frames of tail_ before the first that has no checksum
  bool unsummed_ = false;          // tail_ has frames without checksum
  std::optional<WalChecksum> resummed_;
  uint32_t header_frame_ = 0;  // whose header was written last
  uint32_t resum_from_ = 0;    // the lowest frame written twice: its checksum is due
  uint32_t commit_pages_ = 0;
  uint64_t written_bytes_ = 0;  // how far the file has been written in this generation
  Bytes frame_;                 // the frontier's first filled_ bytes
  size_t filled_ = 0;
};

}  // namespace skerry::sqlite
