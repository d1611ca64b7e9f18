// The primary's side of one stream: what to send next, out of the ring while the replica is in
// step, out of the commit log or as an image while it is not. Sockets and threads are elsewhere
// (stream_server.h); a test feeds it a Receiver's messages.
//
// Threads: one at a time, except acknowledged(), handle_ack() and progress(), which any may call.
// step() never blocks; work() blocks as the disk and the database's writers do.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "daemon/db/image_reader.h"
#include "daemon/replication/commit_feed.h"
#include "daemon/replication/stream_plan.h"
#include "daemon/store/store.h"

namespace skerry::replication {

// The node as its streams name it.
struct StreamSelf {
  NodeId node;
  Epoch epoch;
  std::string hostname;
  std::string region;
  std::string cluster;
};

class LogSource;

class Sender {
 public:
  // `hello` is copied. The store and the feed outlive it.
  Sender(store::Store& store, CommitFeed& feed, const StreamSelf& self, const Hello& hello);
  ~Sender();

  // Appends the answer to Hello.
  void welcome(Bytes& message, uint32_t version) const;

  enum class Next : uint8_t {
    kSend,  // the message holds something
    kIdle,  // nothing to do before the feed moves or the replica answers
    kWork,  // work() has to read first
  };
  [[nodiscard]] Next step(Bytes& message);
  // Appends the next piece of what was committed before the ring's window. It may be nothing, if
  // there was something to read or to wait for; then it is to be called again.
  [[nodiscard]] Status work(Bytes& message);

  // A frame of the replica's other than Ack.
  [[nodiscard]] Status handle(const Frame& frame);
  [[nodiscard]] Status handle_ack(const Ack& ack);

  // Each second. `sweep` compares every database's position with what was sent, and blocks as
  // databases' mutexes do.
  void sweep();
  void heartbeat(Bytes& message, int64_t wall_ms);

  // What the replica said that it has of a database.
  struct Acknowledged {
    Position sent;
    Txid received;
    Txid durable;
  };
  [[nodiscard]] std::map<std::string, Acknowledged> acknowledged() const;
  [[nodiscard]] uint64_t transactions() const { return transactions_; }

 private:
  struct Replica {
    std::optional<DbIndex> index;
    Position sent;
    bool moved = false;  // since the last heartbeat
    bool repair = false;
    bool whole = false;
    Txid received;
    Txid durable;
  };
  struct ImageTransfer {
    std::string name;
    std::unique_ptr<db::ImageReader> reader;
    bool waits_for_checksums = false;
  };

  [[nodiscard]] bool wanted(const std::string& name) const;
  [[nodiscard]] Replica& replica_of(const std::string& name);
  [[nodiscard]] DbIndex index_of(const std::string& name, Bytes& message);
  void set_sent(const std::string& name, Position position);
  void everything_is_behind();
  void append_from_ring(Bytes& message);

  [[nodiscard]] Status catch_up(const std::string& name, Bytes& message);
  [[nodiscard]] Result<CatchUp> plan_for(const db::Database& database, const Replica& replica);
  [[nodiscard]] Status send_log(const std::string& name, db::Database& database, Bytes& message);
  [[nodiscard]] Status continue_log(Bytes& message);
  [[nodiscard]] Status replace_damaged_log(const Error& why);
  [[nodiscard]] Status begin_image(const std::string& name, std::shared_ptr<db::Database> database,
                                   ImageReason reason, Bytes& message);
  [[nodiscard]] Status continue_image(Bytes& message);
  void append_past(const std::string& name, db::Database& database, Bytes& message);
  void append_image_begin(ImageReason reason, PageSize size, uint32_t commit, Bytes& message);
  [[nodiscard]] Status append_batch(Bytes& message);
  void end_image(Bytes& message);

  store::Store& store_;
  CommitFeed& feed_;
  const StreamSelf self_;
  std::set<std::string> filter_;
  uint64_t cursor_;  // in the ring
  std::set<std::string> behind_;
  std::unique_ptr<LogSource> log_;
  std::string log_name_;
  std::optional<ImageTransfer> image_;
  db::ImageReader::Batch batch_;
  PagePacker packer_;
  std::atomic<uint64_t> transactions_{0};
  mutable std::mutex mutex_;
  std::map<std::string, Replica> replicas_;  // guarded by mutex_
  std::vector<std::string> names_;           // by index; guarded by mutex_
};

}  // namespace skerry::replication
