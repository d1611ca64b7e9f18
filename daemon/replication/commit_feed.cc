#include "daemon/replication/commit_feed.h"

#include <pthread.h>

#include "daemon/db/commit_images.h"
#include "daemon/db/database.h"

namespace skerry::replication {

static constexpr int kLevel = 1;  // of zstd: beside a previous version more buys nothing

static size_t bytes_of(const db::Transaction& transaction) {
  return transaction.images ? transaction.images->content.size() : 0;
}

CommitFeed::CommitFeed(NodeId node, int64_t clock_base_ms)
    : node_(node), clock_base_ms_(clock_base_ms), packer_(kLevel) {
  thread_ = std::thread([this] { run(); });
}

CommitFeed::~CommitFeed() {
  stop();
}

void CommitFeed::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

CommitFeed::Ticket CommitFeed::join(std::function<void()> wake) {
  const std::lock_guard lock(wakes_mutex_);
  wakes_.emplace(next_ticket_, std::move(wake));
  joined_.fetch_add(1, std::memory_order_release);
  return next_ticket_++;
}

void CommitFeed::leave(Ticket ticket) {
  const std::lock_guard lock(wakes_mutex_);
  if (wakes_.erase(ticket) != 0) joined_.fetch_sub(1, std::memory_order_release);
}

bool CommitFeed::wants_images(uint32_t pages, PageSize page_size) {
  return joined_.load(std::memory_order_acquire) != 0 && pages <= kImagesPagesMax &&
         uint64_t{pages} * page_size.bytes() <= kImagesBytesMax &&
         queued_bytes_.load(std::memory_order_relaxed) < kFeedBytesMax;
}

void CommitFeed::committed(db::Database& database, const db::Transaction& transaction) {
  if (joined_.load(std::memory_order_acquire) == 0) return;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || queue_.size() >= kFeedEntriesMax) return;
    auto& name = names_[database.name()];
    if (!name) name = std::make_shared<const std::string>(database.name());
    queue_.push_back({name, transaction});
    queued_bytes_.fetch_add(bytes_of(transaction), std::memory_order_relaxed);
  }
  changed_.notify_one();
}

void CommitFeed::run() {
  ::pthread_setname_np(::pthread_self(), "feed");
  std::deque<Job> jobs;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) return;
    jobs.swap(queue_);
    lock.unlock();
    for (const Job& job : jobs) {
      ring_.append(encode(job));
      queued_bytes_.fetch_sub(bytes_of(job.transaction), std::memory_order_relaxed);
    }
    jobs.clear();
    {
      const std::lock_guard wakes(wakes_mutex_);
      for (const auto& [ticket, wake] : wakes_) wake();
    }
    lock.lock();
  }
}

RingEntry CommitFeed::encode(const Job& job) {
  const db::Transaction& transaction = job.transaction;
  RingEntry entry{job.database, transaction.header.pre_apply_position(), transaction.position(),
                  nullptr};
  const TransactionHead head = head_of(job);
  if (!head.origin) entry.own_epoch = transaction.header.epoch;
  const bool is_drop = transaction.header.commit == 0;
  if (!transaction.images && !is_drop) return entry;
  auto body = std::make_shared<Bytes>();
  append_transaction_body(*body, head, transaction.post_apply);
  images_.clear();
  if (transaction.images) {
    for (const auto& page : transaction.images->pages) {
      images_.push_back({page.pgno, page.before ? transaction.images->at(*page.before) : ByteView(),
                         transaction.images->at(page.after)});
    }
  }
  if (!packer_.pack(images_, *body)) return entry;
  page_bytes_.fetch_add(images_.size() * transaction.header.page_size.bytes(),
                        std::memory_order_relaxed);
  entry.body = std::move(body);
  return entry;
}

TransactionHead CommitFeed::head_of(const Job& job) {
  const ltx::Header& header = job.transaction.header;
  TransactionHead head;
  head.further_txids = static_cast<uint32_t>(header.max_txid.value() - header.min_txid.value());
  head.origin = Origin{header.node_id, header.epoch};
  head.clock_ms = header.timestamp_ms - clock_base_ms_;
  Tail& tail = tails_[*job.database];
  const bool follows = tail.position == header.pre_apply_position() && tail.commit != 0;
  if (!follows || tail.page_size != header.page_size) head.page_size = header.page_size;
  if (!follows || tail.commit != header.commit) head.commit = header.commit;
  tail = {job.transaction.position(), header.commit, header.page_size};
  if (header.node_id == node_) {
    // Welcome names the node; Sender compares the epoch.
    head.origin.reset();
  }
  return head;
}

}  // namespace skerry::replication
