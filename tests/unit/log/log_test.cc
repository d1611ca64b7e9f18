#include "daemon/log/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "daemon/log/line_writer.h"

namespace skerry::log {
namespace {

using namespace std::chrono_literals;

// A pipe of which nobody reads unless asked.
class Pipe {
 public:
  Pipe() {
    REQUIRE(::pipe2(fds_.data(), O_CLOEXEC) == 0);
    ::fcntl(fds_[0], F_SETFL, O_NONBLOCK);
    ::fcntl(fds_[1], F_SETPIPE_SZ, 4096);
  }
  ~Pipe() {
    ::close(fds_[0]);
    ::close(fds_[1]);
  }
  [[nodiscard]] int in() const { return fds_[1]; }
  [[nodiscard]] std::string drain() const {
    std::string all;
    std::array<char, 4096> piece;
    for (;;) {
      const ssize_t bytes = ::read(fds_[0], piece.data(), piece.size());
      if (bytes <= 0) return all;
      all.append(piece.data(), static_cast<size_t>(bytes));
    }
  }

 private:
  std::array<int, 2> fds_{};
};

// The log as it was, after the test.
class Redirected {
 public:
  explicit Redirected(Options options) { configure(options); }
  ~Redirected() { configure({}); }
};

TEST_CASE("lines go where the log is configured to go") {
  const Pipe pipe;
  {
    const Redirected redirected({.fd = pipe.in()});
    debug("hidden", "not asked for");
    info("started", "ready", {{"db", "a.db"}, {"pid", 1}});
    warn("slow", "took long");
    error("failed", "no room");
    CHECK_FALSE(enabled(Level::kDebug));
  }
  CHECK(pipe.drain() ==
        "INFO  started: ready db=a.db pid=1\nWARN  slow: took long\nERROR failed: no room\n");
  {
    const Redirected redirected({.format = Format::kJson, .debug = true, .fd = pipe.in()});
    debug("shown", "asked for");
    CHECK(enabled(Level::kDebug));
  }
  const std::string json = pipe.drain();
  CHECK(json.starts_with("{\"time\":\"2"));
  CHECK(json.ends_with("\"level\":\"DEBUG\",\"key\":\"shown\",\"msg\":\"asked for\"}\n"));
  {
    const Redirected redirected({.timestamp = true, .fd = pipe.in()});
    info("timed", "now");
  }
  CHECK(pipe.drain().ends_with("Z INFO  timed: now\n"));
}

TEST_CASE("threads do not mix their lines") {
  const Pipe pipe;
  ::fcntl(pipe.in(), F_SETPIPE_SZ, 1 << 20);
  {
    const Redirected redirected({.fd = pipe.in()});
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i) info("tick", "abcdefghijklmnopqrstuvwxyz");
      });
    }
  }
  std::string expected;
  for (int i = 0; i < 400; ++i) expected += "INFO  tick: abcdefghijklmnopqrstuvwxyz\n";
  CHECK(pipe.drain() == expected);
}

std::string lost(uint64_t count) {
  return "lost " + std::to_string(count) + "\n";
}

TEST_CASE("a reader that stays away costs lines, not time") {
  const Pipe pipe;
  LineWriter writer(pipe.in(), lost);
  const std::string line = std::string(999, 'x') + '\n';
  for (int i = 0; i < 4; ++i) REQUIRE(writer.write(line));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(writer.write(line));
  const auto waited = std::chrono::steady_clock::now() - start;
  CHECK(waited >= kStallMax * 9 / 10);  // the kernel rounds its timeouts  // once
  CHECK(waited < 20 * kStallMax);
  CHECK(writer.dropped() == 1000);
  CHECK(pipe.drain() == line + line + line + line);
  CHECK(writer.write("back\n"));
  CHECK(writer.dropped() == 0);
  CHECK(pipe.drain() == "lost 1000\nback\n");
}

TEST_CASE("a line that was cut in its middle is ended before the next one begins") {
  const Pipe pipe;
  LineWriter writer(pipe.in(), lost);
  CHECK_FALSE(writer.write(std::string(5999, 'x') + '\n'));
  const std::string cut = pipe.drain();
  CHECK(cut == std::string(cut.size(), 'x'));
  CHECK(cut.size() == 4096);
  CHECK(writer.write("back\n"));
  CHECK(pipe.drain() == "\nlost 1\nback\n");
}

TEST_CASE("a line waits for a reader that is only slow") {
  const Pipe pipe;
  LineWriter writer(pipe.in(), lost);
  const std::string line = std::string(3999, 'x') + '\n';
  REQUIRE(writer.write(line));
  std::string read;
  std::jthread reader([&] {
    std::this_thread::sleep_for(20ms);
    read = pipe.drain();
  });
  CHECK(writer.write(line));
  reader.join();
  CHECK(read + pipe.drain() == line + line);
}

TEST_CASE("a log that is gone or closed is survived") {
  LineWriter nowhere(-1, lost);
  CHECK_FALSE(nowhere.write("x\n"));
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  LineWriter discard(null, lost);
  CHECK(discard.write("x\n"));
  ::close(null);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  LineWriter no_room(full, lost);
  CHECK_FALSE(no_room.write("x\n"));
  ::close(full);
}

TEST_CASE("a limiter admits one event per interval and counts the others") {
  Limiter limiter(1s);
  const Limiter::Clock::time_point start{};
  CHECK(limiter.admit(start) == 0);
  CHECK_FALSE(limiter.admit(start));
  CHECK_FALSE(limiter.admit(start + 999ms));
  CHECK(limiter.admit(start + 1s) == 2);
  CHECK_FALSE(limiter.admit(start + 1500ms));
  CHECK(limiter.admit(start + 10s) == 1);
  CHECK(limiter.admit(start + 11s) == 0);
}

TEST_CASE("limited lines say how many were suppressed") {
  const Pipe pipe;
  {
    const Redirected redirected({.fd = pipe.in()});
    Limiter limiter(50ms);
    for (int i = 0; i < 3; ++i) write(limiter, Level::kWarn, "often", "again", {{"n", i}});
    std::this_thread::sleep_for(60ms);
    write(limiter, Level::kWarn, "often", "again", {{"n", 3}});
  }
  CHECK(pipe.drain() == "WARN  often: again n=0\nWARN  often: again n=3 suppressed=2\n");
}

}  // namespace
}  // namespace skerry::log
