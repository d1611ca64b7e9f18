// The replica's side of one stream: applies what comes, and says what it has. Sockets and threads
// are elsewhere (stream_client.h).
//
// Threads: one at a time but where it says otherwise; receive() blocks as apply does, so it belongs
// on a pool thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>

#include "daemon/apply/applier.h"
#include "daemon/os/clock.h"
#include "daemon/replication/frames.h"
#include "daemon/replication/lag.h"
#include "daemon/replication/page_codec.h"
#include "daemon/store/store.h"

namespace skerry::replication {

// Told of what a person may want to know; on the thread of receive().
class ReceiverLog {
 public:
  virtual ~ReceiverLog() = default;
  virtual void repairing(const std::string& database, const Error& why) = 0;
  // An image is about to take the place of what this node has. What the primary does not have of
  // it is to be kept now; with an error nothing is replaced, and the stream ends.
  struct Replacement {
    const std::string& database;
    Position local;
    ImageReason reason;
    std::span<const Position> past;  // of the primary; empty if it does not say
    const std::string& primary_hostname;
    NodeId primary;
    Epoch epoch;  // the primary's
  };
  [[nodiscard]] virtual Status replacing(const Replacement& what) = 0;
  virtual void image_done(const std::string& database, Position position, uint64_t pages) = 0;
};

struct ReceiverSettings {
  NodeId node;
  Epoch epoch;  // the highest that this node saw
  std::string hostname;
  std::string region;
  std::string cluster;              // empty: joins whichever it finds
  std::vector<std::string> filter;  // databases; empty: all
  bool catches_up = false;          // from whoever has more, a primary or not
};

class Receiver {
 public:
  // All outlive it. `stopping` ends waits for local locks.
  Receiver(apply::Applier& applier, store::Store& store, Lag& lag, os::Clock& clock,
           ReceiverLog& log, const std::atomic<bool>& stopping, ReceiverSettings settings);
  ~Receiver();

  // Appends the first message.
  void hello(Bytes& reply) const;

  // Takes a message in and appends what is to be answered. An error ends the stream.
  [[nodiscard]] Status receive(ByteView message, Bytes& reply);
  // Whether something was applied that is not durable yet. From any thread.
  [[nodiscard]] bool has_undurable() const;
  // Makes everything that was applied durable, and appends the acknowledgement. Blocks as fsync
  // does; from any thread, beside receive(), one at a time.
  [[nodiscard]] Status make_durable(Bytes& reply);

  struct Primary {
    NodeId node;
    Epoch epoch;
    std::string hostname;
    std::string cluster;
  };
  [[nodiscard]] const std::optional<Primary>& primary() const { return primary_; }
  // Everything that the primary had at the beginning is here.
  [[nodiscard]] bool is_synced() const { return synced_; }
  [[nodiscard]] uint64_t transactions() const { return transactions_; }
  [[nodiscard]] uint64_t page_bytes() const { return page_bytes_; }

 private:
  struct Local {
    std::string name;
    bool awaits_image = false;
    bool was_repaired = false;  // in this stream
    bool wants_whole = false;   // the image that it awaits is of every page
    std::vector<Position> past;  // of the primary, until its image is here
  };

  [[nodiscard]] Status handle(Bytes& reply, const Welcome& frame);
  [[nodiscard]] Status handle(Bytes& reply, const NamedDatabase& frame);
  [[nodiscard]] Status handle(Bytes& reply, const TransactionFrame& frame);
  [[nodiscard]] Status handle(Bytes& reply, const Begin& frame);
  [[nodiscard]] Status handle(Bytes& reply, const Pages& frame);
  [[nodiscard]] Status handle(Bytes& reply, const Commit& frame);
  [[nodiscard]] Status handle(Bytes& reply, const ImageBegin& frame);
  [[nodiscard]] Status handle(Bytes& reply, const Past& frame);
  [[nodiscard]] Status handle(Bytes& reply, const ChecksumsWanted& frame);
  [[nodiscard]] Status handle(Bytes& reply, const ImageEnd& frame);
  [[nodiscard]] Status handle(Bytes& reply, const Heartbeat& frame);
  [[nodiscard]] Status handle(Bytes& reply, const RoleChange& frame);
  [[nodiscard]] Status handle(Bytes& reply, const End& frame);
  template <typename Other>
  [[nodiscard]] Status handle(Bytes& reply, const Other& frame);

  // How far a database has come, as acknowledgements say it.
  struct Progress {
    std::string name;
    Txid received;
    Txid durable;
    bool moved = false;  // since the last acknowledgement
  };

  [[nodiscard]] Result<Local*> local(DbIndex db);
  void received(DbIndex db, Txid txid);
  [[nodiscard]] Result<ltx::Header> header_for(const Local& local, const TransactionHead& head);
  [[nodiscard]] Status begin(DbIndex db, const TransactionHead& head);
  [[nodiscard]] Status add(ByteView block);
  [[nodiscard]] Status commit_patiently(Checksum post_apply);
  [[nodiscard]] Status finish(DbIndex db, Txid txid);
  [[nodiscard]] Status ask_for_image(Bytes& reply, DbIndex db, const Error& why);
  [[nodiscard]] Status check_position(Bytes& reply, const Heartbeat::Entry& entry);
  // Turns what may be repaired into a request for it.
  [[nodiscard]] Status repair_or(Bytes& reply, DbIndex db, Status status);
  void append_ack(Bytes& reply);

  apply::Applier& applier_;
  store::Store& store_;
  Lag& lag_;
  os::Clock& clock_;
  ReceiverLog& log_;
  const std::atomic<bool>& stopping_;
  const ReceiverSettings settings_;
  std::optional<Primary> primary_;
  int64_t clock_base_ms_ = 0;
  bool synced_ = false;
  std::vector<Local> locals_;  // by index
  mutable std::mutex progress_mutex_;
  std::vector<Progress> progress_;  // by index; guarded by progress_mutex_
  // The transaction or image that is coming in; null while what comes is to be skipped.
  std::unique_ptr<apply::Incoming> incoming_;
  apply::Image* image_ = nullptr;  // incoming_, if it is one
  std::optional<DbIndex> open_;    // between Begin or ImageBegin and its end
  ltx::Header header_;
  uint64_t image_pages_ = 0;
  PageUnpacker unpacker_;
  std::atomic<uint64_t> transactions_{0};
  std::atomic<uint64_t> page_bytes_{0};
};

}  // namespace skerry::replication
