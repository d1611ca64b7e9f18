// One thread's events: sockets through epoll, timers, and what other threads hand over.
//
// Its own, rather than Asio's, for what the proxy is measured by: a descriptor is registered once,
// edge-triggered, and costs no call to epoll again; nothing is read before there is something to
// read; nothing takes a lock. A relayed request costs the system calls that its bytes need.
//
// Threads: post() and stop() from any; everything else from the thread in run(), or before it runs.
#pragma once

#include <boost/intrusive/set.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/os/fd.h"
#include "ltx/base/result.h"

namespace skerry::proxy {

using TimePoint = std::chrono::steady_clock::time_point;

class EventLoop {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    // `events` are epoll's; 0 after again().
    virtual void on_ready(uint32_t events) = 0;
    virtual void on_timer() {}
  };

  // A point in time at which its handler's on_timer() is called. Moving it later, which nearly
  // every request does several times, costs nothing: the queue is corrected when the old time
  // comes.
  class Timer : public boost::intrusive::set_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    explicit Timer(Handler& handler) : handler_(handler) {}
    friend bool operator<(const Timer& a, const Timer& b) { return a.queued_ < b.queued_; }

   private:
    friend class EventLoop;
    Handler& handler_;
    TimePoint wanted_ = TimePoint::max();
    TimePoint queued_ = TimePoint::max();
  };

  using Task = std::move_only_function<void()>;

  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> open();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void run();   // until stop()
  void stop();  // what was posted before is still run
  // Dropped unrun once the loop has ended. Whoever posts bounds how often.
  void post(Task task);

  // Both directions, edge-triggered, until the descriptor is closed. `handler` outlives that; it
  // may still be called once in the same round, so objects that close theirs are passed to
  // retire().
  [[nodiscard]] Status watch(int fd, Handler& handler);
  // For descriptors whose other duplicates live on.
  void unwatch(int fd);
  // Calls on_ready(0) in the next round: for those who stopped to let others have their turn.
  void again(Handler& handler);
  // Destroys it at the end of this round.
  void retire(std::unique_ptr<Handler> handler);

  void set(Timer& timer, TimePoint when);  // max(): never
  // Of this round.
  [[nodiscard]] TimePoint now() const { return now_; }

 private:
  EventLoop(os::Fd epoll, os::Fd wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {}
  void wait();
  void run_posted();
  void run_again();
  void run_timers();
  void free_retired();
  [[nodiscard]] int timeout_ms() const;

  using Queue = boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>>;

  os::Fd epoll_;
  os::Fd wake_;
  TimePoint now_ = std::chrono::steady_clock::now();
  Queue timers_;
  std::vector<Handler*> again_;
  std::vector<std::unique_ptr<Handler>> retired_;
  std::mutex mutex_;
  std::vector<Task> posted_;  // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
  bool done_ = false;
};

}  // namespace skerry::proxy
