// skerry upgrade: asks the keeper, over its socket in the data folder, for a new worker.

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemon/app/cli/output.h"
#include "daemon/app/cli/upgrade_command.h"
#include "daemon/app/mount/data_lock.h"
#include "daemon/config/load.h"
#include "daemon/os/fd.h"

namespace skerry::app {
namespace {

// Longer than the keeper waits for the new worker.
constexpr int kAnswerMs = 15'000;

Result<std::string> ask_keeper(const std::string& data_dir) {
  const std::string path = control_path(data_dir);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno(errno,
                      fmt::format("no node runs on the data folder {} ({})", data_dir, path));
  }
  constexpr std::string_view kRequest = "upgrade\n";
  if (::send(fd.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) {
    return fail_errno(errno, path);
  }
  pollfd readable{fd.get(), POLLIN, 0};
  if (::poll(&readable, 1, kAnswerMs) != 1) {
    return fail(Errc::kTimeout, "the keeper does not answer; see the node's log");
  }
  std::array<char, 256> text{};
  const ssize_t n = ::read(fd.get(), text.data(), text.size());
  if (n <= 0) return fail(Errc::kUnavailable, "the keeper closed the connection; see its log");
  return std::string(text.data(), static_cast<size_t>(n));
}

}  // namespace

int execute(const UpgradeCommand& command) {
  config::LoadOptions options;
  options.path = command.config_path;
  options.expand = !command.no_expand_env;
  const auto loaded = config::load(options);
  if (!loaded) {
    return emit({kExitUsageError, "", fmt::format("ERROR: {}\n", loaded.error().message())});
  }
  const auto answer = ask_keeper(loaded->config.data.dir);
  if (!answer) {
    return emit({kExitRunError, "", fmt::format("ERROR: {}\n", answer.error().message())});
  }
  if (*answer != "ok\n") return emit({kExitRunError, "", "ERROR: " + *answer});
  return emit({0, "upgraded: the program that is installed now serves the mount\n", ""});
}

}  // namespace skerry::app
