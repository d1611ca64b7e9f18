#include "daemon/os/changes.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "daemon/os/fd.h"

namespace skerry::os {
namespace {

using std::chrono::milliseconds;

os::Fd shared_memory() {
  os::Fd fd(::memfd_create("changes", MFD_CLOEXEC));
  REQUIRE(::ftruncate(fd.get(), Changes::kBytes) == 0);
  return fd;
}

TEST_CASE("a successor waits for a thread that is within a change, and for no other") {
  const os::Fd fd = shared_memory();
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto changes = Changes::open(fd.get());
    {
      const Changes::Scope over(changes->get());
    }
    std::thread idle([] { ::pause(); });
    const Changes::Scope scope(changes->get());
    (void)!::write(ends[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char in = 0;
  REQUIRE(::read(ends[0], &in, 1) == 1);
  const auto changes = Changes::open(fd.get());
  REQUIRE(changes.has_value());
  const auto waited = (*changes)->wait_for_predecessor(milliseconds(5));
  REQUIRE_FALSE(waited.has_value());
  CHECK(waited.error().code() == Errc::kTimeout);
  CHECK(waited.error().message().contains(std::to_string(pid)));
  ::kill(pid, SIGKILL);
  CHECK((*changes)->wait_for_predecessor(milliseconds(30'000)).has_value());
  ::waitpid(pid, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("threads that end give their slots back") {
  const os::Fd fd = shared_memory();
  const auto changes = Changes::open(fd.get());
  for (size_t i = 0; i < 2 * Changes::kThreadsMax; ++i) {
    std::thread([&] { const Changes::Scope scope(changes->get()); }).join();
  }
  CHECK((*changes)->wait_for_predecessor(milliseconds(0)).has_value());
}

}  // namespace
}  // namespace skerry::os
