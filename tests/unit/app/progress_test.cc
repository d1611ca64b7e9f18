#include "daemon/app/progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace skerry::app {
namespace {

using namespace std::chrono_literals;

TEST_CASE("the line shows share, sizes, rate and time left") {
  struct {
    ProgressState state;
    size_t columns;
    const char* expected;
  } const rows[] = {
      {{"Import", 0, 1000, 0ms}, 100, "Import  [                    ]    0%  0 B of 1.0 kB  0 B/s"},
      {{"Import", 1'200'000'000, 2'600'000'000, 10s},
       100,
       "Import  [#########           ]   46%  1.2 GB of 2.6 GB  120 MB/s  0:12 left"},
      {{"Import", 1000, 1000, 2s},
       100,
       "Import  [####################]  100%  1.0 kB of 1.0 kB  500 B/s"},
      {{"Import", 2000, 1000, 2s},
       100,
       "Import  [####################]  100%  2.0 kB of 1.0 kB  1.0 kB/s"},
      {{"Import", 1, 7201, 1s},
       100,
       "Import  [                    ]    0%  1 B of 7.2 kB  1 B/s  2:00:00 left"},
      {{"Import", 1, 1'000'000'000, 1s},
       100,
       "Import  [                    ]    0%  1 B of 1.0 GB  1 B/s"},
      {{"Export", 999'499, 0, 1s}, 100, "Export  999 kB  999 kB/s"},
      {{"Export", 999'500, 0, 1s}, 100, "Export  1.0 MB  1.0 MB/s"},
      {{"Import", 1000, 1000, 2s}, 50, "Import  100%  1.0 kB of 1.0 kB  500 B/s"},
      {{"Import", 1000, 1000, 2s}, 10, "Import  10"},
  };
  for (const auto& row : rows) CHECK(progress_line(row.state, row.columns) == row.expected);
}

// Both ends of a pseudo-terminal.
class Terminal {
 public:
  Terminal() { REQUIRE(::openpty(&master_, &slave_, nullptr, nullptr, nullptr) == 0); }
  ~Terminal() {
    ::close(master_);
    ::close(slave_);
  }
  [[nodiscard]] int fd() const { return slave_; }
  // A terminal hands its output over a little later: reads up to a line's end, or for `patience`.
  [[nodiscard]] std::string read_line(std::chrono::milliseconds patience) const {
    std::string all;
    pollfd item{master_, POLLIN, 0};
    while (!all.ends_with('\n') && ::poll(&item, 1, static_cast<int>(patience.count())) > 0) {
      std::array<char, 4096> piece;
      const ssize_t bytes = ::read(master_, piece.data(), piece.size());
      if (bytes <= 0) break;
      all.append(piece.data(), static_cast<size_t>(bytes));
    }
    return all;
  }

 private:
  int master_ = -1;
  int slave_ = -1;
};

TEST_CASE("a terminal sees at most ten bars a second and the last one") {
  const Terminal terminal;
  const auto start = Progress::Clock::now();
  {
    Progress progress("Import", 1000, terminal.fd());
    for (int ms = 0; ms < 1000; ++ms) {
      progress.update(static_cast<uint64_t>(ms), start + std::chrono::milliseconds(ms));
    }
    progress.update(1000, start + 1000ms - 1ns);
  }
  const std::string seen = terminal.read_line(5s);
  CHECK(std::ranges::count(seen, '\r') == 10 + 1 + 1);  // and the terminal's own at the line's end
  CHECK(seen.contains("100%  1.0 kB of 1.0 kB"));
  CHECK(seen.ends_with("\n"));
}

TEST_CASE("what is no terminal sees nothing") {
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_NONBLOCK | O_CLOEXEC) == 0);
  {
    Progress progress("Import", 10, fds[1]);
    progress.update(5);
    progress.finish();
  }
  char byte = 0;
  CHECK(::read(fds[0], &byte, 1) == -1);
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_CASE("nothing done draws nothing") {
  const Terminal terminal;
  {
    const Progress progress("Import", 10, terminal.fd());
  }
  CHECK(terminal.read_line(20ms).empty());
}

}  // namespace
}  // namespace skerry::app
