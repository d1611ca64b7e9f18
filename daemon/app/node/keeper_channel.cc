#include "daemon/app/node/keeper_channel.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string>

#include "daemon/keeper/protocol.h"

namespace skerry::app {

static std::array<char, PATH_MAX> mount_to_abort{};

// Only calls that a signal handler may make. The descriptor keeps the mount busy, so that it stays,
// with an error for whoever looks into it, and is not taken for an empty folder.
[[noreturn]] static void abort_mount_and_exit() {
  (void)!::open(mount_to_abort.data(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  (void)!::umount2(mount_to_abort.data(), MNT_FORCE);
  ::_exit(1);
}

void end_with_keeper(const std::string& mount_dir) {
  mount_dir.copy(mount_to_abort.data(), mount_to_abort.size() - 1);
  struct sigaction action {};
  action.sa_handler = [](int) { abort_mount_and_exit(); };
  (void)!::sigaction(keeper::kKeeperEnded, &action, nullptr);
}

void KeeperChannel::keeper_is_gone() const {
  abort_mount_and_exit();
}

static void send(std::string_view message) {
  // Fails only if the keeper is gone, and then this process ends with it.
  (void)!::send(keeper::kChannelFd, message.data(), message.size(), MSG_NOSIGNAL);
}

void KeeperChannel::say_ready() const {
  send({&keeper::kReady, 1});
}

void KeeperChannel::start_app(bool is_candidate, bool is_primary) const {
  send(std::string{keeper::kStartApp, is_candidate ? '1' : '0', is_primary ? '1' : '0'});
}

void KeeperChannel::say_handed_over() const {
  send({&keeper::kHandedOver, 1});
}

void KeeperChannel::say_released() const {
  send({&keeper::kReleased, 1});
}

void KeeperChannel::say_drained() const {
  send({&keeper::kDrained, 1});
}

void KeeperChannel::quit(int exit_code) const {
  send(std::string{keeper::kQuit, static_cast<char>(exit_code)});
}

char KeeperChannel::wait() const {
  char message = 0;
  ssize_t n = 0;
  do {
    n = ::recv(keeper::kChannelFd, &message, 1, 0);
  } while (n < 0 && errno == EINTR);
  return n == 1 ? message : '\0';
}

Result<std::string> read_handshake() {
  std::array<char, 4096> text{};
  const ssize_t n = ::pread(keeper::kHandshakeFd, text.data(), text.size(), 0);
  if (n <= 0) return fail_errno(errno, "reading the handshake; workers are started by the keeper");
  return std::string(text.data(), static_cast<size_t>(n));
}

}  // namespace skerry::app
