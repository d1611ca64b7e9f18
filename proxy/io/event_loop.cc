#include "proxy/io/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace skerry::proxy {
namespace {

constexpr int kEventsMax = 128;      // of one round
constexpr size_t kTimersMax = 1024;  // of one round

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::open() {
  os::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno(errno, "epoll_create1");
  os::Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno(errno, "eventfd");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return fail_errno(errno, "epoll_ctl");
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake)));
}

// What is left belongs to nobody any more.
EventLoop::~EventLoop() {
  timers_.clear();
}

void EventLoop::run() {
  while (!done_) {
    wait();
    run_posted();
    run_again();
    run_timers();
    free_retired();
  }
}

void EventLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  (void)!::eventfd_write(wake_.get(), 1);
}

void EventLoop::post(Task task) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (first) (void)!::eventfd_write(wake_.get(), 1);
}

Status EventLoop::watch(int fd, Handler& handler) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &handler;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail_errno(errno, "epoll_ctl");
  }
  return {};
}

void EventLoop::unwatch(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void EventLoop::again(Handler& handler) {
  again_.push_back(&handler);
}

void EventLoop::retire(std::unique_ptr<Handler> handler) {
  if (handler) retired_.push_back(std::move(handler));
}

void EventLoop::set(Timer& timer, TimePoint when) {
  timer.wanted_ = when;
  if (timer.is_linked() && timer.queued_ <= when) return;
  timer.unlink();
  if (when == TimePoint::max()) return;
  timer.queued_ = when;
  timers_.insert(timer);
}

int EventLoop::timeout_ms() const {
  if (!again_.empty()) return 0;
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->queued_ - std::chrono::steady_clock::now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<int64_t>(ms, 0, 60'000));
}

void EventLoop::wait() {
  std::array<epoll_event, kEventsMax> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, timeout_ms());
  now_ = std::chrono::steady_clock::now();
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.ptr != nullptr) {
      static_cast<Handler*>(event.data.ptr)->on_ready(event.events);
    } else {
      eventfd_t count = 0;
      (void)!::eventfd_read(wake_.get(), &count);
    }
  }
}

void EventLoop::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
    done_ = stopping_;
  }
  for (Task& task : tasks) task();
}

void EventLoop::run_again() {
  std::vector<Handler*> handlers;
  handlers.swap(again_);
  for (Handler* handler : handlers) handler->on_ready(0);
}

void EventLoop::run_timers() {
  for (size_t i = 0; i < kTimersMax && !timers_.empty(); ++i) {
    Timer& timer = *timers_.begin();
    if (timer.queued_ > now_) return;
    timer.unlink();
    if (timer.wanted_ <= now_) {
      timer.wanted_ = TimePoint::max();
      timer.handler_.on_timer();
    } else if (timer.wanted_ != TimePoint::max()) {
      timer.queued_ = timer.wanted_;
      timers_.insert(timer);
    }
  }
}

void EventLoop::free_retired() {
  std::vector<std::unique_ptr<Handler>> retired;
  retired.swap(retired_);
  for (const auto& handler : retired) std::erase(again_, handler.get());
}

}  // namespace skerry::proxy
