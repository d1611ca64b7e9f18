// skerry run: becomes the command once this node may write. The process is replaced, so that the
// command has our standard streams, our signals, and its own exit code.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "daemon/app/cli/run_command.h"
#include "daemon/app/client/outcome.h"
#include "daemon/net/proven_call.h"
#include "daemon/os/fd.h"

namespace skerry::app {
namespace {

constexpr off_t kHaltByte = 72;  // of <db>-lock, as LiteFS has it
constexpr int kLockFd = 3;       // where the command finds it
constexpr std::chrono::seconds kPromotionMax{60};

struct NodeInfo {
  bool is_primary = false;
  bool candidate = false;
};

Result<NodeInfo> ask_node(const std::string& url) {
  net::Call call;
  call.url = net::make_url(url, "/info");
  TRY_ASSIGN(const net::Reply reply, net::call_and_check(call));
  try {
    const boost::json::value info = boost::json::parse(reply.body);
    NodeInfo found;
    found.is_primary = info.at("isPrimary").as_bool();
    found.candidate = info.at("candidate").as_bool();
    return found;
  } catch (const std::exception& error) {  // the library's way to say that something is missing
    return fail(Errc::kCorrupt,
                fmt::format("{}: this is no node's answer ({})", call.url, error.what()));
  }
}

void say(const RunCommand& command, const std::string& text) {
  if (command.verbose) std::fprintf(stderr, "%s\n", text.c_str());
}

Status promote(const RunCommand& command, const NodeInfo& info) {
  if (info.is_primary) {
    say(command, "node is already primary, skipping promotion");
    return {};
  }
  say(command, "promoting node to primary");
  net::Call call;
  call.method = "POST";
  call.url = net::make_url(command.url, "/promote");
  call.silence_max = kPromotionMax;
  TRY(net::add_credentials(call));
  TRY(net::call_and_check(call));
  say(command, "promotion successful");
  return {};
}

Result<os::Fd> open_lock(const std::string& database) {
  struct stat status{};
  if (::stat(database.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return fail(Errc::kNotFound, fmt::format("database does not exist: {}", database));
    }
    return fail_errno(errno, database);
  }
  const std::string path = database + "-lock";
  os::Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (fd) return fd;
  if (errno != ENOENT) return fail_errno(errno, path);
  return fail(Errc::kNotFound,
              fmt::format("lock file not available, are you sure \"{}\" is a Skerry mount?",
                          std::filesystem::path(database).parent_path().string()));
}

// The mount of a replica has a file that names the primary.
Status check_primary(const std::string& database) {
  const auto path = std::filesystem::path(database).parent_path() / ".primary";
  std::ifstream file(path);
  if (!file) return {};
  std::string primary;
  std::getline(file, primary);
  return fail(Errc::kUnsupported,
              fmt::format("this node is a replica, and replicas cannot halt their primary's "
                          "writers; run the command on the primary, {}",
                          primary.empty() ? "which is not known here" : primary));
}

// On the primary nothing has to be halted; the lock keeps commands that are run so apart.
Result<os::Fd> halt(const RunCommand& command) {
  TRY_ASSIGN(os::Fd fd, open_lock(command.with_halt_lock_on));
  TRY(check_primary(command.with_halt_lock_on));
  say(command, "acquiring halt lock");
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kHaltByte;
  lock.l_len = 1;
  int result = 0;
  do {
    result = ::fcntl(fd.get(), F_OFD_SETLKW, &lock);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return fail_errno(errno, command.with_halt_lock_on + "-lock");
  say(command, "halt lock acquired");
  return fd;
}

// Returns only an error.
Error become(const std::vector<std::string>& argv, os::Fd lock) {
  if (lock) {
    if (lock.get() == kLockFd) {
      ::fcntl(kLockFd, F_SETFD, 0);  // stays open
    } else {
      ::dup2(lock.get(), kLockFd);
    }
  }
  std::vector<char*> arguments;
  for (const std::string& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  return errno_error(errno, fmt::format("running {}", argv[0]));
}

Status run(const RunCommand& command, bool* skipped) {
  NodeInfo info;
  if (command.if_candidate || command.promote) {
    say(command, "fetching node metadata");
    TRY_ASSIGN(info, ask_node(command.url));
  }
  if (command.if_candidate && !info.candidate) {
    *skipped = true;
    return {};
  }
  if (command.promote) TRY(promote(command, info));
  os::Fd lock;
  if (!command.with_halt_lock_on.empty()) {
    TRY_ASSIGN(lock, halt(command));
  }
  return std::unexpected(become(*command.argv, std::move(lock)));
}

}  // namespace

int execute(const RunCommand& command) {
  bool skipped = false;
  const Status status = run(command, &skipped);
  if (skipped) return emit({0, "", "node is not a candidate, skipping execution\n"});
  return emit(failure(status.error()));
}

}  // namespace skerry::app
