// A primary and a replica of one process, with a stream between them that is no socket: a test
// carries the messages, counts their bytes, and may lose or change them.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "daemon/replication/receiver.h"
#include "daemon/replication/sender.h"
#include "tests/support/apply_fixture.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {

class PrimaryFixture {
 public:
  PrimaryFixture() { store = store::Store::open(env, dir.path()).value(); }

  TempDir dir;
  os::PosixFileSystem fs;
  os::SystemClock clock;
  TestGate gate;
  replication::CommitFeed feed{NodeId(42), clock.wall_ms()};
  NoKernelCache cache;
  db::Environment env{fs, clock, gate, feed, cache, NodeId(42)};
  std::unique_ptr<store::Store> store;
  CapturedVfs vfs{env, "captured", dir.path(),
                  [this](const std::string& name) { return store->find_or_create(name).value(); }};

  [[nodiscard]] std::string path(const std::string& name) const { return dir.path() + "/" + name; }
  [[nodiscard]] std::string dir_of(const std::string& name) const {
    return dir.path() + "/dbs/" + name;
  }
  [[nodiscard]] Position position(const std::string& name) const {
    const auto database = store->find(name);
    return database ? database->info().position : Position{};
  }
};

class ReceiverNotes final : public replication::ReceiverLog {
 public:
  void repairing(const std::string&, const Error& why) override {
    ++repairs;
    last_error = why.message();
  }
  Status replacing(const Replacement& what) override {
    replaced.push_back(what.reason);
    past.assign(what.past.begin(), what.past.end());
    return refusal;
  }
  void image_done(const std::string&, Position, uint64_t) override { ++images; }

  int repairs = 0;
  int images = 0;
  std::string last_error;
  std::vector<replication::ImageReason> replaced;
  std::vector<Position> past;
  Status refusal;  // of what is about to be replaced
};

class StreamFixture {
 public:
  static constexpr std::chrono::seconds kPatience{30};

  PrimaryFixture primary;
  ReplicaFixture replica;
  replication::Lag lag;
  ReceiverNotes notes;
  std::atomic<bool> stopping{false};
  std::unique_ptr<replication::Receiver> receiver;
  std::unique_ptr<replication::Sender> sender;
  uint64_t wire_bytes = 0;  // from the primary
  uint64_t messages = 0;

  ~StreamFixture() { disconnect(); }

  void connect(std::vector<std::string> filter = {}) {
    replication::ReceiverSettings settings;
    settings.node = NodeId(43);
    settings.epoch = Epoch(7);
    settings.filter = std::move(filter);
    receiver = std::make_unique<replication::Receiver>(*replica.applier, *replica.store, lag,
                                                       replica.clock, notes, stopping, settings);
    Bytes hello;
    receiver->hello(hello);
    ByteView rest(hello);
    const auto frame = replication::take_frame(rest);
    REQUIRE(frame.has_value());
    ticket_ = primary.feed.join([this] {
      const std::lock_guard lock(mutex_);
      ++news_;
      changed_.notify_one();
    });
    sender = std::make_unique<replication::Sender>(
        *primary.store, primary.feed,
        replication::StreamSelf{NodeId(42), Epoch(7), "primary", "", ""},
        std::get<replication::Hello>(**frame));
    Bytes welcome;
    sender->welcome(welcome, 1);
    Bytes nothing;
    REQUIRE(receiver->receive(welcome, nothing).has_value());
  }

  void disconnect() {
    if (ticket_ != 0) primary.feed.leave(ticket_);
    ticket_ = 0;
    sender.reset();
    receiver.reset();
  }

  // The next message from the primary; nothing if there is none to send now.
  [[nodiscard]] Result<Bytes> next_message() {
    Bytes message;
    if (sender->step(message) == replication::Sender::Next::kWork) TRY(sender->work(message));
    return message;
  }

  // Brings a message to the replica and its answers back.
  [[nodiscard]] Status carry(const Bytes& message) {
    wire_bytes += message.size() + (message.size() < 126 ? 2 : 4);
    ++messages;
    Bytes reply;
    TRY(receiver->receive(message, reply));
    ByteView rest(reply);
    for (;;) {
      TRY_ASSIGN(const auto frame, replication::take_frame(rest));
      if (!frame) return {};
      if (const auto* ack = std::get_if<replication::Ack>(&*frame)) {
        TRY(sender->handle_ack(*ack));
      } else {
        TRY(sender->handle(*frame));
      }
    }
  }

  [[nodiscard]] Status beat() {
    Bytes message;
    sender->sweep();
    sender->heartbeat(message, primary.clock.wall_ms());
    return carry(message);
  }

  // Runs the stream until `done`, which is asked whenever there is nothing to send.
  [[nodiscard]] Status run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      uint64_t seen = 0;
      {
        const std::lock_guard lock(mutex_);
        seen = news_;
      }
      Bytes message;
      const auto next = sender->step(message);
      if (next == replication::Sender::Next::kWork) TRY(sender->work(message));
      if (!message.empty()) TRY(carry(message));
      if (std::chrono::steady_clock::now() > deadline) return fail(Errc::kTimeout, "not in step");
      if (!message.empty() || next == replication::Sender::Next::kWork) continue;
      if (done()) return {};
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(20), [&] { return news_ != seen; });
    }
  }

  void sync(const std::string& name) {
    const Status done = run_until([&] { return replica.position(name) == primary.position(name); });
    if (!done) {
      FAIL(name << ": " << done.error().message() << "; the primary is at "
                << to_string(primary.position(name)) << ", the replica at "
                << to_string(replica.position(name)) << "; " << notes.last_error);
    }
  }

  void check_equal(const std::string& name) {
    REQUIRE(replica.position(name) == primary.position(name));
    const DbImage want = read_logical(primary.dir_of(name));
    const DbImage have = read_logical(replica.dir_of(name));
    REQUIRE(have.page_bytes == want.page_bytes);
    REQUIRE(have.pages.size() == want.pages.size());
    for (size_t i = 0; i < want.pages.size(); ++i) {
      if (have.pages[i] != want.pages[i]) FAIL(name << ": page " << i + 1 << " differs");
    }
  }

 private:
  replication::CommitFeed::Ticket ticket_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t news_ = 0;  // guarded by mutex_
};

}  // namespace skerry::test
