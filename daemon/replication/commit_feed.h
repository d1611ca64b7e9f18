// What this node commits, encoded once for all streams: takes transactions from the databases on
// the commit path, codes them on a thread of its own, keeps the newest in a ring, and wakes who
// waits for them.
//
// Nothing here ever holds a commit up. What does not fit is left out, and streams find it in the
// commit log.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "daemon/db/commit_gate.h"
#include "daemon/replication/frames.h"
#include "daemon/replication/page_codec.h"
#include "daemon/replication/transaction_ring.h"

namespace skerry::replication {

inline constexpr size_t kFeedEntriesMax = 4096;
inline constexpr size_t kFeedBytesMax = size_t{8} << 20;

class CommitFeed final : public db::CommitListener {
 public:
  // Times on the wire count from `clock_base_ms`. Transactions of `origin` say nothing of it.
  CommitFeed(NodeId node, int64_t clock_base_ms);
  ~CommitFeed() override;  // stop()

  void stop();
  [[nodiscard]] NodeId node() const { return node_; }
  [[nodiscard]] int64_t clock_base_ms() const { return clock_base_ms_; }
  [[nodiscard]] const TransactionRing& ring() const { return ring_; }

  // `wake` is called from the feed's thread after each move of the ring, until leave(). It must not
  // block. While nobody has joined, nothing is encoded.
  using Ticket = uint64_t;
  [[nodiscard]] Ticket join(std::function<void()> wake);
  void leave(Ticket ticket);

  bool wants_images(uint32_t pages, PageSize page_size) override;
  void committed(db::Database& database, const db::Transaction& transaction) override;

  // The bytes of pages that went into bodies, for the ratio to the wire's.
  [[nodiscard]] uint64_t page_bytes() const { return page_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Job {
    std::shared_ptr<const std::string> database;
    db::Transaction transaction;
  };
  struct Tail {
    Position position;
    uint32_t commit = 0;
    PageSize page_size = *PageSize::of(4096);
  };
  void run();
  [[nodiscard]] RingEntry encode(const Job& job);
  [[nodiscard]] TransactionHead head_of(const Job& job);

  const NodeId node_;
  const int64_t clock_base_ms_;
  TransactionRing ring_;
  std::atomic<uint32_t> joined_{0};
  std::atomic<size_t> queued_bytes_{0};
  std::atomic<uint64_t> page_bytes_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;                                            // guarded by mutex_
  std::map<std::string, std::shared_ptr<const std::string>> names_;  // guarded by mutex_
  bool stopped_ = false;                                             // guarded by mutex_
  std::mutex wakes_mutex_;
  std::map<Ticket, std::function<void()>> wakes_;  // guarded by wakes_mutex_
  Ticket next_ticket_ = 1;                         // guarded by wakes_mutex_
  PagePacker packer_;                              // of the thread, as what follows
  std::vector<PageImage> images_;
  std::map<std::string, Tail> tails_;
  std::thread thread_;
};

}  // namespace skerry::replication
