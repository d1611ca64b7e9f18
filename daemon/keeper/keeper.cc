#include "daemon/keeper/keeper.h"

#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "daemon/keeper/log.h"
#include "daemon/keeper/processes.h"
#include "daemon/keeper/protocol.h"

namespace skerry::keeper {
namespace {

// How often the worker is looked at. A worker that ends while it waits on its own mount raises no
// event at all (processes.h), so somebody has to look; a look costs some 20 µs.
constexpr long kLookEveryMs = 20;
constexpr long kEndsWithinMs = 5;  // from its first sign; later it is taken for stuck
constexpr long kBackoffMinMs = 50;
constexpr long kBackoffMaxMs = 5000;
constexpr long kBriefMs = 10;        // one that answers and ends within this failed at once
constexpr int kBriefLivesMax = 20;   // in a row, before a pause is made
constexpr long kHandOverMs = 2800;   // for another node to become the primary
constexpr long kReleaseMs = 500;     // for the worker to let go of the mount
constexpr long kFinishMs = 1000;     // … and to close its databases
constexpr long kDrainMs = 3500;      // … its proxy's clients to get their answers
constexpr long kUpgradeMs = 10'000;  // for a new program to become ready

long long now_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1'000'000;
}

int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Keeper::Keeper(Plan plan) : plan_(std::move(plan)) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signal_fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int Keeper::run() {
  start_worker();
  while (!done_) loop_once();
  return exit_code_;
}

void Keeper::loop_once() {
  pollfd watched[] = {{signal_fd_, POLLIN, 0}, {channel_, POLLIN, 0}, {kControlFd, POLLIN, 0}};
  ::poll(watched, 3, ending_since_ != 0 ? 1 : kLookEveryMs);
  if (watched[1].revents != 0) on_message();
  if (watched[0].revents != 0) on_signal();
  if (watched[2].revents != 0) on_control();
  check_worker();
  check_deadlines();
}

// --- The worker ----------------------------------------------------------------------------------

void Keeper::start_worker() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    log_line("worker-start", "cannot create a socket for the worker: %s", std::strerror(errno));
    next_start_ = now_ms() + kBackoffMaxMs;
    return;
  }
  std::vector<int> inherit{kFuseFd, kHandshakeFd, kLockFd, kChangesFd};
  for (int fd = kFirstListenFd; fd < kFirstListenFd + kListenFdsMax; ++fd) inherit.push_back(fd);
  std::vector<std::string> environment;
  environment.push_back(std::string(kWorkerVariable) + (starts_ > 0 ? "=successor" : "=first"));
  worker_ = start({plan_.worker, environment, false, kKeeperEnded, inherit, ends[1]});
  ::close(ends[1]);
  channel_ = ends[0];
  worker_ready_ = false;
  started_at_ = now_ms();
  next_start_ = 0;
  ++starts_;
  if (worker_ == 0) worker_ended(0, false);
}

void Keeper::check_worker() {
  if (worker_ != 0 && is_ending(worker_)) {
    if (ending_since_ == 0) ending_since_ = now_ms();
    reap();
    // Still there: stuck in its end. Its successor's answers release it; reap() collects it then.
    if (worker_ != 0 && now_ms() - ending_since_ > kEndsWithinMs) worker_ended(0, false);
  }
  if (worker_ == 0 && next_start_ != 0 && now_ms() >= next_start_) start_worker();
}

void Keeper::worker_ended(int status, bool status_known) {
  const int code = status_known ? code_of(status) : -1;
  worker_ = 0;
  drain_deadline_ = 0;
  ending_since_ = 0;
  if (channel_ >= 0) ::close(channel_);
  channel_ = -1;
  if (stage_ == Stage::kFinishing) {
    done_ = true;
    return;
  }
  if (code == kExitHopeless && !ever_ready_) {
    if (!plan_.stay_on_error) return give_up_mount("it could not start");
    log_line("start-failed",
             "staying up as configured (exit-on-error: false); correct what is "
             "reported above and restart, or run \"skerry upgrade\" to try again");
    return;
  }
  if (!plan_.can_resend) {
    return give_up_mount("this kernel (before Linux 6.9) cannot hand its requests to another");
  }
  const bool failed = !worker_ready_ || now_ms() - ready_at_ < kBriefMs;
  failures_ = upgrading_ || !failed ? 0 : failures_ + 1;
  const bool at_once = worker_ready_ && failures_ <= kBriefLivesMax;
  const long wait = std::min(kBackoffMaxMs, kBackoffMinMs << std::min(failures_, 8));
  if (upgrading_) {
    log_line("worker-upgrade", "the worker ended; the program now on disk takes over");
  } else {
    char how[32] = "stuck in its end";
    if (status_known && WIFSIGNALED(status)) {
      std::snprintf(how, sizeof how, "signal %d", WTERMSIG(status));
    } else if (status_known) {
      std::snprintf(how, sizeof how, "code %d", code);
    }
    log_line("worker-ended", "the worker ended (%s); a successor takes over%s", how,
             at_once ? "" : " after a pause");
  }
  if (!at_once && !upgrading_) {
    log_line("worker-backoff", "next start in %ld ms (failed %d times in a row); applications wait",
             wait, failures_);
  }
  next_start_ = now_ms() + (at_once || upgrading_ ? 0 : wait);
}

void Keeper::give_up_mount(const char* why) {
  log_line("mount-lost", "the worker ended: %s; the mount is removed", why);
  exit_code_ = 1;
  unmount(true);
  kill_app(SIGTERM);
  signal_children(SIGTERM, 0);
  done_ = true;
}

void Keeper::tell_worker(char message) {
  if (channel_ >= 0 && ::send(channel_, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    log_line("worker-silent", "cannot reach the worker: %s", std::strerror(errno));
  }
}

void Keeper::on_message() {
  char message[16];
  const ssize_t n = ::recv(channel_, message, sizeof message, MSG_DONTWAIT);
  if (n <= 0) return;  // it ended: check_worker() sees that
  switch (message[0]) {
    case kReady:
      worker_ready_ = ever_ready_ = true;
      ready_at_ = now_ms();
      if (starts_ > 1) {
        log_line("worker-ready", "worker %d answers, %lld ms after its start", worker_,
                 now_ms() - started_at_);
      }
      if (upgrading_) answer_control("ok\n");
      upgrading_ = false;
      break;
    case kStartApp:
      candidate_ = n > 1 && message[1] == '1';
      primary_ = n > 2 && message[2] == '1';
      if (!app_may_start_) {
        app_may_start_ = true;
        start_next_command();
      }
      break;
    case kReleased:
      if (stage_ == Stage::kReleasing) release_mount();
      break;
    case kDrained:
      if (drain_deadline_ != 0) end_worker_for_upgrade();
      break;
    case kHandedOver:
      if (stage_ == Stage::kHandingOver) stop_app();
      break;
    case kQuit:
      begin_stop(SIGTERM, n > 1 ? message[1] : 1);
      break;
    default:
      break;
  }
}

// --- The application -----------------------------------------------------------------------------

void Keeper::start_next_command() {
  while (app_ == 0 && next_command_ < plan_.commands.size()) {
    const Command& command = plan_.commands[next_command_++];
    if (command.if_candidate && !candidate_) continue;
    if (command.if_primary && !primary_) continue;
    app_ = start({command.arguments, {kListenVariable}, true, 0, {}, -1});
    if (app_ == 0) begin_stop(SIGTERM, 1);
  }
}

void Keeper::app_ended(int status) {
  app_ = 0;
  const int code = code_of(status);
  if (stage_ != Stage::kServing) return;
  const Command& command = plan_.commands[next_command_ - 1];
  const bool was_last = next_command_ == plan_.commands.size();
  if (was_last) {
    log_line("exec-ended", "%s ended with code %d", command.arguments[0].c_str(), code);
  } else if (code != 0) {
    log_line("exec-failed", "%s failed with code %d; the commands after it are not run",
             command.arguments[0].c_str(), code);
    if (plan_.stay_on_error) return;
  } else {
    return start_next_command();
  }
  begin_stop(SIGTERM, code);
}

void Keeper::kill_app(int signal) {
  if (app_ != 0) ::kill(-app_, signal);
}

// --- The stop ------------------------------------------------------------------------------------

void Keeper::begin_stop(int signal, int exit_code) {
  if (stage_ != Stage::kServing) {  // asked again: no more patience
    stage_deadline_ = now_ms();
    return;
  }
  stage_ = Stage::kHandingOver;
  exit_code_ = exit_code;
  stop_signal_ = signal;
  stop_began_ = now_ms();
  stage_deadline_ = stop_began_ + std::min(kHandOverMs, plan_.stop_ms * 3 / 5);
  if (!worker_ready_) return stop_app();
  tell_worker(kStopping);
}

// What the worker did not use of the time is the application's.
void Keeper::stop_app() {
  stage_ = Stage::kStoppingApp;
  stage_deadline_ = stop_began_ + std::max(0L, plan_.stop_ms - kReleaseMs - kFinishMs);
  kill_app(stop_signal_);
}

void Keeper::release_mount() {
  stage_ = Stage::kFinishing;
  // What the application left of the time belongs to the databases.
  stage_deadline_ = std::max(now_ms() + kFinishMs, stop_began_ + plan_.stop_ms);
  unmount(worker_ == 0);
  tell_worker(kFinish);
  if (worker_ == 0) done_ = true;
}

void Keeper::unmount(bool force) {
  if (!plan_.unmount_helper.empty()) {
    const std::vector<std::string> arguments{plan_.unmount_helper, "-u", "-z", "-q",
                                             plan_.mount_dir};
    const pid_t helper = start({arguments, {}, false, 0, {}, -1});
    if (helper != 0) ::waitpid(helper, nullptr, 0);
    return;
  }
  const char* dir = plan_.mount_dir.c_str();
  // Force aborts what waits for an answer that nobody will give.
  if (force) ::umount2(dir, MNT_FORCE);
  if (::umount2(dir, 0) == 0 || errno == EINVAL) return;
  if (errno == EBUSY) {
    log_line("unmount-busy", "%s is still used; it disappears when its last user ends", dir);
  }
  ::umount2(dir, MNT_DETACH);
}

void Keeper::check_deadlines() {
  const Ms now = now_ms();
  if (drain_deadline_ != 0 && now >= drain_deadline_) end_worker_for_upgrade();
  if (upgrading_ && drain_deadline_ == 0 && now - started_at_ > kUpgradeMs) {
    answer_control("the new worker does not become ready; see the log\n");
    upgrading_ = false;
  }
  switch (stage_) {
    case Stage::kServing:
      return;
    case Stage::kHandingOver:
      if (now >= stage_deadline_ || worker_ == 0) stop_app();
      return;
    case Stage::kStoppingApp:
      if (app_ != 0 && now < stage_deadline_) return;
      kill_app(SIGKILL);
      signal_children(SIGKILL, worker_);  // what left its group, as "npx" lets its server do
      stage_ = Stage::kReleasing;
      stage_deadline_ = now + kReleaseMs;
      if (worker_ != 0) return tell_worker(kRelease);
      return release_mount();
    case Stage::kReleasing:
      if (now >= stage_deadline_ || worker_ == 0) release_mount();
      return;
    case Stage::kFinishing:
      if (now < stage_deadline_) return;
      if (worker_ != 0) ::kill(worker_, SIGKILL);
      done_ = true;
      return;
  }
}

// --- Events --------------------------------------------------------------------------------------

void Keeper::on_signal() {
  signalfd_siginfo info{};
  while (::read(signal_fd_, &info, sizeof info) == sizeof info) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      reap();
    } else if (signal == SIGHUP) {
      if (app_ != 0) ::kill(app_, SIGHUP);
    } else {
      log_line("signal", "signal %d: stopping", signal);
      begin_stop(signal, 0);
    }
  }
}

void Keeper::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == worker_) {
      worker_ended(status, true);
    } else if (pid == app_) {
      app_ended(status);
    }
  }
}

// One client at a time: "upgrade\n", answered when the new worker is ready.
void Keeper::on_control() {
  const int client = ::accept4(kControlFd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  pollfd readable{client, POLLIN, 0};
  char text[64] = {};
  if (::poll(&readable, 1, 100) == 1) (void)!::read(client, text, sizeof text - 1);
  if (std::strcmp(text, "upgrade\n") != 0 || upgrading_ || stage_ != Stage::kServing) {
    const char* busy = "not now: an upgrade or the stop is under way\n";
    (void)!::write(client, busy, std::strlen(busy));
    ::close(client);
    return;
  }
  control_ = client;
  upgrading_ = true;
  if (worker_ready_ && worker_ != 0) {
    drain_deadline_ = now_ms() + kDrainMs;
    tell_worker(kDrain);
  } else {
    end_worker_for_upgrade();
  }
}

void Keeper::end_worker_for_upgrade() {
  drain_deadline_ = 0;
  started_at_ = now_ms();
  if (worker_ != 0) {
    ::kill(worker_, SIGKILL);
  } else {
    next_start_ = now_ms();
  }
}

void Keeper::answer_control(const char* text) {
  if (control_ < 0) return;
  (void)!::write(control_, text, std::strlen(text));
  ::close(control_);
  control_ = -1;
}

}  // namespace skerry::keeper
