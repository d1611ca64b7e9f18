#include "daemon/app/mount/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "daemon/app/mount/data_lock.h"
#include "daemon/app/mount/listeners.h"
#include "daemon/app/mount/mount_point.h"
#include "daemon/fusefs/session.h"
#include "daemon/keeper/plan.h"
#include "daemon/keeper/protocol.h"
#include "daemon/os/changes.h"

extern "C" const char skerry_keeper_image[];
extern "C" const char skerry_keeper_image_end[];

namespace skerry::app {
namespace {

// What the keeper needs within `kill_timeout` of Fly.io (5 s by default).
constexpr long kStopMs = 4500;

Result<os::Fd> memory_file(const char* name, ByteView content) {
  os::Fd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd ||
      ::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    return fail_errno(errno, fmt::format("keeping the {} in memory", name));
  }
  return fd;
}

Result<os::Fd> listen_for_control(const std::string& data_dir) {
  const std::string path = control_path(data_dir);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(Errc::kInvalid, fmt::format("data.dir {} is too long for a socket's path ({} bytes "
                                            "at most)",
                                            data_dir, sizeof address.sun_path - 14));
  }
  path.copy(address.sun_path, path.size());
  ::unlink(path.c_str());  // of a process that is gone: we hold the folder's lock
  os::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 4) != 0) {
    return fail_errno(errno, path);
  }
  return fd;
}

keeper::Plan plan_for(const Launch& what, const Mounted& mounted,
                      const fusefs::Handshake& handshake) {
  keeper::Plan plan;
  plan.mount_dir = what.config.fuse.dir;
  plan.unmount_helper = mounted.unmount_helper;
  plan.stop_ms = kStopMs;
  plan.can_resend = handshake.can_resend;
  plan.stay_on_error = !what.config.exit_on_error;
  plan.log_json = what.config.log.format == config::LogFormat::kJson;
  plan.worker = what.arguments;
  std::error_code error;
  plan.worker[0] = std::filesystem::read_symlink("/proc/self/exe", error).string();
  for (const config::ExecCommand& command : what.config.exec) {
    plan.commands.push_back({command.if_candidate, command.if_primary, command.argv});
  }
  return plan;
}

// Puts each descriptor where the protocol has it. Sources are moved out of the way first.
void place(std::vector<std::pair<int, int>> moves) {
  constexpr int kAbove = 64;
  for (auto& [from, to] : moves) from = ::fcntl(from, F_DUPFD_CLOEXEC, kAbove);
  for (const auto& [from, to] : moves) ::dup2(from, to);
}

Error become_keeper(const std::string& mount_dir) {
  const ByteView image(reinterpret_cast<const std::byte*>(skerry_keeper_image),
                       static_cast<size_t>(skerry_keeper_image_end - skerry_keeper_image));
  auto program = memory_file("skerry-keeper", image);
  if (!program) return std::move(program).error();
  std::string name = "skerry-keeper";
  std::string dir = mount_dir;
  char* arguments[] = {name.data(), dir.data(), nullptr};
  ::execveat(program->get(), "", arguments, environ, AT_EMPTY_PATH);
  return errno_error(errno, "becoming the keeper");
}

MountOptions options_of(const Launch& what) {
  return {what.config.fuse.dir, what.config.data.dir, what.config.fuse.allow_other,
          !what.skip_unmount};
}

Result<Error> mount_and_become_keeper(const Launch& what, const os::Fd& lock, const os::Fd& control,
                                      const Listeners& listeners) {
  TRY_ASSIGN(const Mounted mounted, mount_fuse(options_of(what)));
  TRY_ASSIGN(const auto handshake, fusefs::negotiate(mounted.fuse.get()));
  const std::string plan = keeper::encode(plan_for(what, mounted, handshake));
  TRY_ASSIGN(const os::Fd plan_file, memory_file("plan", as_bytes(plan)));
  TRY_ASSIGN(const os::Fd init_file, memory_file("handshake", handshake.init_request));
  TRY_ASSIGN(const os::Fd changes, memory_file("changes", Bytes(os::Changes::kBytes)));
  std::vector<std::pair<int, int>> moves{
      {mounted.fuse.get(), keeper::kFuseFd}, {init_file.get(), keeper::kHandshakeFd},
      {plan_file.get(), keeper::kPlanFd},    {lock.get(), keeper::kLockFd},
      {control.get(), keeper::kControlFd},   {changes.get(), keeper::kChangesFd}};
  int next = keeper::kFirstListenFd;
  for (const auto& [name, fd] : listeners) moves.emplace_back(fd.get(), next++);
  place(moves);
  ::setenv(keeper::kListenVariable, describe(listeners).c_str(), 1);
  Error error = become_keeper(what.config.fuse.dir);
  ::umount2(what.config.fuse.dir.c_str(), MNT_DETACH);
  return error;
}

}  // namespace

bool is_worker() {
  return std::getenv(keeper::kWorkerVariable) != nullptr;
}

Error launch(const Launch& what) {
  auto lock =
      lock_data_folder(what.config.data.dir, [&what] { (void)clean_left_over(options_of(what)); });
  if (!lock) return std::move(lock).error();
  auto control = listen_for_control(what.config.data.dir);
  if (!control) return std::move(control).error();
  auto listeners = listen(what.config);
  if (!listeners) return std::move(listeners).error();
  auto failed = mount_and_become_keeper(what, *lock, *control, *listeners);
  return failed ? std::move(*failed) : std::move(failed).error();
}

}  // namespace skerry::app
