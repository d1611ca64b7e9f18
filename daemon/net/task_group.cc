#include "daemon/net/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>

#include "daemon/log/log.h"

namespace skerry::net {

namespace asio = boost::asio;

static constexpr std::chrono::milliseconds kCancelAgain{20};

struct TaskGroup::Task {
  explicit Task(asio::io_context& its_loop) : loop(its_loop) {}
  asio::io_context& loop;
  asio::cancellation_signal cancel;  // on the loop's thread only
};

TaskGroup::TaskGroup(std::string name, size_t tasks_max)
    : name_(std::move(name)), tasks_max_(tasks_max) {}

TaskGroup::~TaskGroup() {
  stop();
}

bool TaskGroup::spawn(asio::io_context& loop, asio::awaitable<void> task) {
  Tasks::iterator position;
  std::shared_ptr<Task> entry;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || tasks_.size() >= tasks_max_) return false;
    entry = std::make_shared<Task>(loop);
    position = tasks_.insert(tasks_.end(), entry);
  }
  auto on_end = [this, position, entry](const std::exception_ptr& why) { ended(position, why); };
  asio::co_spawn(loop, std::move(task),
                 asio::bind_cancellation_slot(entry->cancel.slot(), std::move(on_end)));
  return true;
}

void TaskGroup::ended(Tasks::iterator task, std::exception_ptr why) {
  try {
    if (why) std::rethrow_exception(why);
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) {
      log::error("task-failed", error.what(), {{"group", name_}});
    }
  } catch (const std::exception& error) {
    log::error("task-failed", error.what(), {{"group", name_}});
  }
  const std::lock_guard lock(mutex_);
  tasks_.erase(task);
  if (tasks_.empty()) none_left_.notify_all();
}

size_t TaskGroup::size() const {
  const std::lock_guard lock(mutex_);
  return tasks_.size();
}

void TaskGroup::stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  // Again and again: a cancellation that meets a task whose operation is just completing, or one
  // that lets operations fail and goes on, is lost on it.
  do {
    for (const auto& task : tasks_) {
      asio::post(task->loop, [task] { task->cancel.emit(asio::cancellation_type::terminal); });
    }
  } while (!none_left_.wait_for(lock, kCancelAgain, [this] { return tasks_.empty(); }));
}

}  // namespace skerry::net
