#include "daemon/replication/transaction_ring.h"

namespace skerry::replication {

static size_t bytes_of(const RingEntry& entry) {
  return sizeof(RingEntry) + (entry.body ? entry.body->size() : 0);
}

void TransactionRing::append(RingEntry entry) {
  const std::lock_guard lock(mutex_);
  bytes_ += bytes_of(entry);
  entries_.push_back(std::move(entry));
  while (entries_.size() > 1 && (bytes_ > bytes_max_ || entries_.size() > entries_max_)) {
    bytes_ -= bytes_of(entries_.front());
    entries_.pop_front();
    ++first_;
  }
}

uint64_t TransactionRing::end() const {
  const std::lock_guard lock(mutex_);
  return first_ + entries_.size();
}

TransactionRing::Read TransactionRing::read(uint64_t sequence, size_t entries_max,
                                            size_t bytes_max) const {
  Read result;
  const std::lock_guard lock(mutex_);
  if (sequence < first_) {
    result.lost = true;
    return result;
  }
  size_t bytes = 0;
  for (uint64_t i = sequence - first_; i < entries_.size(); ++i) {
    if (result.entries.size() == entries_max || bytes > bytes_max) break;
    bytes += bytes_of(entries_[i]);
    result.entries.push_back(entries_[i]);
  }
  return result;
}

}  // namespace skerry::replication
