#include "daemon/keeper/processes.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "daemon/keeper/log.h"
#include "daemon/keeper/protocol.h"

namespace skerry::keeper {
namespace {

// Between fork and exec, on a single thread: anything is allowed.
void keep_only(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned from = 3;
  for (const int fd : keep) {
    const auto kept = static_cast<unsigned>(fd);
    if (kept > from) ::syscall(SYS_close_range, from, kept - 1, 0);
    if (kept >= from) from = kept + 1;
    ::fcntl(fd, F_SETFD, 0);
  }
  ::syscall(SYS_close_range, from, ~0U, 0);
}

[[noreturn]] void become(const Start& what, pid_t parent) {
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (what.own_group) {
    ::setpgid(0, 0);
    if (::isatty(0) != 0) {
      ::signal(SIGTTOU, SIG_IGN);
      ::tcsetpgrp(0, ::getpid());
      ::signal(SIGTTOU, SIG_DFL);
    }
  }
  if (what.when_parent_ends != 0) {
    ::prctl(PR_SET_PDEATHSIG, what.when_parent_ends);
    if (::getppid() != parent) ::_exit(1);
  }
  for (const std::string& variable : what.environment) {
    ::putenv(const_cast<char*>(variable.c_str()));
  }
  std::vector<int> keep = what.inherit;
  if (what.channel >= 0) {
    ::dup2(what.channel, kChannelFd);
    keep.push_back(kChannelFd);
  }
  keep_only(keep);
  std::vector<char*> arguments;
  for (const std::string& argument : what.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  log_line("start-failed", "cannot run %s: %s", arguments[0], std::strerror(errno));
  ::_exit(errno == ENOENT ? 127 : 126);
}

}  // namespace

pid_t start(const Start& what) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(what, parent);
  if (pid < 0) {
    log_line("start-failed", "cannot create a process: %s", std::strerror(errno));
    return 0;
  }
  return pid;
}

bool is_ending(pid_t pid) {
  constexpr unsigned kExiting = 4;  // PF_EXITING
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;
  char text[512];
  const ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (n <= 0) return true;
  text[n] = '\0';
  const char* behind_name = std::strrchr(text, ')');
  char state = 0;
  unsigned flags = 0;
  if (behind_name == nullptr ||
      std::sscanf(behind_name + 2, "%c %*d %*d %*d %*d %*d %u", &state, &flags) != 2) {
    return false;
  }
  return state == 'Z' || state == 'X' || (flags & kExiting) != 0;
}

void signal_children(int signal, pid_t except) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/children", ::getpid());
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return;
  int pid = 0;
  while (std::fscanf(file, "%d", &pid) == 1) {
    if (pid != except) ::kill(pid, signal);
  }
  std::fclose(file);
}

}  // namespace skerry::keeper
