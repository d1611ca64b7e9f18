// Coroutines that belong together: the one place that spawns them. A group knows how many it has,
// refuses more than it may have, and ends with none left.
//
// For .cc files that include Asio anyway. Threads: any.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace boost::asio {
class io_context;
}

namespace skerry::net {

class TaskGroup {
 public:
  TaskGroup(std::string name, size_t tasks_max);
  ~TaskGroup();  // stop()
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Runs the task on the loop. False: the group is full or stopped, and the task does not run. An
  // exception that leaves a task is logged under the group's name.
  [[nodiscard]] bool spawn(boost::asio::io_context& loop, boost::asio::awaitable<void> task);

  [[nodiscard]] size_t size() const;

  // Cancels what each task waits for (error operation_aborted) until all have ended.
  // Not from an io thread.
  void stop();

 private:
  struct Task;
  using Tasks = std::list<std::shared_ptr<Task>>;
  void ended(Tasks::iterator task, std::exception_ptr why);

  const std::string name_;
  const size_t tasks_max_;
  mutable std::mutex mutex_;
  std::condition_variable none_left_;
  Tasks tasks_;           // guarded by mutex_
  bool stopped_ = false;  // guarded by mutex_
};

}  // namespace skerry::net
