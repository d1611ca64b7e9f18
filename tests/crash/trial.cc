#include "tests/crash/trial.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace skerry::test {

static constexpr unsigned kTrialSecondsMax = 120;  // the machine may be busy

Shared& Shared::instance() {
  static Shared* const shared = static_cast<Shared*>(
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *shared;
}

void Shared::say(const std::string& what) {
  std::strncpy(text.data(), what.c_str(), text.size() - 1);
}

// The failpoints of a process are set before its first call.
Ended in_child(const std::string& failpoints, const std::string& trace,
               const std::function<std::string()>& work) {
  Shared& shared = Shared::instance();
  shared.text[0] = '\0';
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kTrialSecondsMax);
    if (!failpoints.empty()) ::setenv("SKERRY_FAILPOINTS", failpoints.c_str(), 1);
    if (!trace.empty()) ::setenv("SKERRY_FAILPOINT_TRACE", trace.c_str(), 1);
    shared.say(work());
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return {false, "no process"};
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return {true, ""};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return {false, fmt::format("the process ended by {}",
                               WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : "an error")};
  }
  return {false, shared.text.data()};
}

void make_anew(const std::string& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
}

}  // namespace skerry::test
