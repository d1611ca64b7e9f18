// The last transactions of this node in commit order, over all databases, each encoded once for all
// streams. A stream walks it by sequence numbers at its own pace; one that falls out of it goes on
// from the commit log.
//
// Threads: one appends, any number read. Nothing blocks. Memory: kRingBytesMax.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ltx/base/bytes.h"
#include "ltx/base/types.h"

namespace skerry::replication {

inline constexpr size_t kRingBytesMax = size_t{2} << 20;
inline constexpr size_t kRingEntriesMax = 8192;

struct RingEntry {
  std::shared_ptr<const std::string> database;
  Position pre;
  Position post;
  // What append_transaction_body() and a block make; null: it is to be read from the commit log.
  std::shared_ptr<const Bytes> body;
  // Of the transaction, if the body leaves out its origin: that of a Welcome with this epoch.
  std::optional<Epoch> own_epoch{};
};

class TransactionRing {
 public:
  explicit TransactionRing(size_t bytes_max = kRingBytesMax, size_t entries_max = kRingEntriesMax)
      : bytes_max_(bytes_max), entries_max_(entries_max) {}

  void append(RingEntry entry);

  // The sequence number that the next entry gets.
  [[nodiscard]] uint64_t end() const;
  struct Read {
    std::vector<RingEntry> entries;  // from the asked one on
    bool lost = false;               // what was asked for is no longer there
  };
  // At most `entries_max` entries from `sequence` on, and some bytes_max of them.
  [[nodiscard]] Read read(uint64_t sequence, size_t entries_max, size_t bytes_max) const;

 private:
  const size_t bytes_max_;
  const size_t entries_max_;
  mutable std::mutex mutex_;
  std::deque<RingEntry> entries_;  // guarded by mutex_
  uint64_t first_ = 0;             // sequence number of the front; guarded by mutex_
  size_t bytes_ = 0;               // guarded by mutex_
};

}  // namespace skerry::replication
