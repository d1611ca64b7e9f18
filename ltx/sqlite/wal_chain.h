// Follows one write-ahead log write by write and finds its commits.
//
// A commit is the write after which the checksum chain from the last commit through a frame with
// commit ≠ 0 is valid. The flag alone does not tell: after a cache spill SQLite writes the frame
// that carries it and then rewrites the headers of earlier frames. So each write is offered before
// it reaches the file; the one that completes a commit is handed back for a decision, and the
// caller writes it and calls commit(), or does not and calls refuse().
//
// Frames below the last commit are never written again within a generation, unless a writer died or
// failed between its commit and the wal-index (kRewinds), or the same write arrives twice
// (kRepeats). A new header begins a new generation (kRestart).
//
// Pure but for reading the file's earlier bytes through WalFile. Not thread-safe. Memory: one frame
// and four bytes per uncommitted frame.
#pragma once

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
};

// The end of the committed frames: enough to go on from, after a restart, without reading them.
struct WalEnd {
  uint32_t frames = 0;
  WalChecksum checksum;  // of the last of them, or of the header
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
  [[nodiscard]] Result<bool> load_frontier(WalFile& file);
  [[nodiscard]] Result<bool> verify_frontier(WalFile& file);

  std::optional<WalHeader> header_;
  WalEnd end_;
  std::vector<uint32_t> tail_;
  WalChecksum tail_checksum_;      // of the last frame in tail_
  WalChecksum previous_checksum_;  // of the one before, while a commit waits
  uint32_t commit_pages_ = 0;
  uint64_t written_bytes_ = 0;  // how far the file has been written in this generation
  Bytes frame_;                 // the frontier's first filled_ bytes
  size_t filled_ = 0;
};

}  // namespace skerry::sqlite
