#include "daemon/net/io_threads.h"

#include <fmt/format.h>
#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "daemon/log/log.h"

namespace skerry::net {

struct IoThreads::Loop {
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;

  void run(const std::string& name) {
    ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
    for (;;) {
      try {
        io.run();
        return;
      } catch (const std::exception& error) {  // a bug; the others' connections go on
        log::error("io-exception", error.what(), {{"thread", name}});
      }
    }
  }
};

IoThreads::IoThreads(const std::string& name, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    Loop& loop = *loops_.emplace_back(std::make_unique<Loop>());
    loop.thread = std::thread(&Loop::run, &loop, fmt::format("{}-{}", name, i));
  }
}

IoThreads::~IoThreads() {
  stop();
}

boost::asio::io_context& IoThreads::at(size_t index) {
  return loops_.at(index)->io;
}

boost::asio::io_context& IoThreads::next() {
  return at(turn_.fetch_add(1, std::memory_order_relaxed) % loops_.size());
}

void IoThreads::stop() {
  for (const auto& loop : loops_) loop->io.stop();
  for (const auto& loop : loops_) {
    if (loop->thread.joinable()) loop->thread.join();
  }
}

}  // namespace skerry::net
