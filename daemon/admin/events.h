// GET /events: transactions and changes of the primary, one JSON object a line.
//
//   {"type":"init","data":{"isPrimary":false,"hostname":"a"}}
//   {"type":"tx","db":"x.db","data":{"txID":"…","postApplyChecksum":"…","pageSize":4096,"commit":2,
//    "timestamp":"2023-05-06T07:08:09.123Z"}}
//   {"type":"primaryChange","data":{"isPrimary":true}}
//   {"type":"orphan","db":"x.db","data":{"id":"7-…/x.db","fork":"…/…","end":"…/…","transactions":3}}
//
// A client costs a cursor, however slow it is. The last kRecentMax transactions are kept for all of
// them together; who falls behind further gets the newest of each database and goes on from there.
//
// Threads: any. committed() is called under a database's mutex: takes the hub's mutex, under which
// nobody waits for anything.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/admin/node_view.h"
#include "daemon/db/commit_gate.h"
#include "daemon/net/http_message.h"

namespace skerry::admin {

class EventHub final : public db::CommitListener {
 public:
  static constexpr size_t kSubscribersMax = 64;
  static constexpr size_t kRecentMax = 1024;
  static constexpr size_t kBatchMax = 256;  // events in one piece of a reply

  EventHub() = default;
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  void committed(db::Database& database, const db::Transaction& transaction) override;
  void role_is(const Role& role);
  struct OrphanNote {
    std::string database;
    std::string id;
    std::optional<Position> fork;
    Position end;
    uint64_t transactions = 0;
  };
  void orphan_kept(const OrphanNote& orphan);

  // The body of a reply, which must end before the hub; null if there are too many already.
  [[nodiscard]] std::unique_ptr<net::LiveBody> subscribe();
  [[nodiscard]] size_t subscribers() const { return count_.load(std::memory_order_relaxed); }

 private:
  class Subscription;
  struct Event {
    uint64_t sequence = 0;
    std::string database;
    Position position;
    uint32_t page_bytes = 0;
    uint32_t commit = 0;
    int64_t timestamp_ms = 0;
    std::string line{};  // of another type: as it is sent
  };

  static void write(std::string& to, const Event& event);
  static void write(std::string& to, const char* type, const Role& role);
  void publish(Event event);  // with mutex_ held
  [[nodiscard]] std::vector<Event> events_after(uint64_t sequence) const;
  void wake_all();

  std::atomic<size_t> count_{0};
  mutable std::mutex mutex_;
  std::vector<Subscription*> subscriptions_;  // guarded by mutex_, as the rest
  uint64_t sequence_ = 0;                     // of the last event
  std::deque<Event> recent_;
  std::map<std::string, Event> newest_;  // of each database since somebody listens
  Role role_;
  uint64_t role_sequence_ = 0;
};

}  // namespace skerry::admin
