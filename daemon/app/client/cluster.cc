// skerry history, skerry cluster …

#include <fmt/format.h>

#include <boost/json.hpp>

#include "daemon/admin/json.h"
#include "daemon/app/cli/cluster_commands.h"
#include "daemon/app/client/outcome.h"
#include "daemon/app/mount/data_lock.h"
#include "daemon/cluster/cluster_id.h"
#include "daemon/cluster/history_log.h"
#include "daemon/net/proven_call.h"
#include "daemon/os/posix_file_system.h"

namespace skerry::app {
namespace {

namespace bj = boost::json;

int finish(const Result<std::string>& text) {
  return emit(text ? Output{0, *text, ""} : failure(text.error()));
}

std::string line_of(const cluster::Reign& reign) {
  const std::string who = reign.primary.empty() ? reign.url : reign.primary;
  std::string text = fmt::format("{}  {}{}  epoch {}\n", admin::rfc3339(reign.from_ms),
                                 who.empty() ? "this node" : who,
                                 reign.self && !who.empty() ? " (this node)" : "",
                                 reign.epoch.value());
  if (reign.until_ms) {
    text += fmt::format("  until {}: {}\n", admin::rfc3339(*reign.until_ms), reign.end);
  }
  return text;
}

bj::object json_of(const cluster::Reign& reign) {
  bj::object object{{"primary", reign.primary},
                    {"url", reign.url},
                    {"epoch", reign.epoch.value()},
                    {"self", reign.self},
                    {"from", admin::rfc3339(reign.from_ms)}};
  if (reign.until_ms) {
    object["until"] = admin::rfc3339(*reign.until_ms);
    object["end"] = reign.end;
  }
  return object;
}

Result<std::string> history(const HistoryCommand& command) {
  os::PosixFileSystem fs;
  TRY_ASSIGN(const std::string dir, data_folder(command.data));
  TRY_ASSIGN(const auto entries, cluster::read_history(fs, dir));
  const auto reigns = cluster::reigns_of(entries);
  if (command.json) {
    bj::array array;
    for (const auto& reign : reigns) array.push_back(json_of(reign));
    return bj::serialize(array) + "\n";
  }
  if (reigns.empty()) return std::string("this node has not known a primary yet\n");
  std::string text;
  for (const auto& reign : reigns) text += line_of(reign);
  return text;
}

std::string id_text(const std::string& id, bool json) {
  if (json) return bj::serialize(bj::object{{"clusterId", id}}) + "\n";
  return id + "\n";
}

Result<std::string> cluster_id(const ClusterIdCommand& command) {
  os::PosixFileSystem fs;
  TRY_ASSIGN(const std::string dir, data_folder(command.data));
  cluster::ClusterId id(fs, dir);
  TRY(id.load());
  if (id.get().empty() && !command.json) {
    return fail(Errc::kNotFound,
                fmt::format("{} belongs to no cluster yet: the node has not met one", dir));
  }
  return id_text(id.get(), command.json);
}

// A running node has its own idea of the id.
Result<os::Fd> lock_stopped(const std::string& dir) {
  auto lock = lock_data_folder(dir, [] {});
  if (lock) return lock;
  return fail(lock.error().code(), "the node must be stopped first: " + lock.error().message());
}

Result<std::string> adopt(const ClusterAdoptCommand& command) {
  os::PosixFileSystem fs;
  TRY_ASSIGN(const std::string dir, data_folder(command.data));
  TRY_ASSIGN(const os::Fd lock, lock_stopped(dir));
  cluster::ClusterId id(fs, dir);
  TRY(id.adopt(command.id, true));
  return id_text(id.get(), command.json);
}

Result<std::string> reset(const ClusterResetCommand& command) {
  os::PosixFileSystem fs;
  TRY_ASSIGN(const std::string dir, data_folder(command.data));
  TRY_ASSIGN(const os::Fd lock, lock_stopped(dir));
  TRY(os::remove_if_exists(fs, os::Site("clusterid:remove"), dir + "/clusterid"));
  TRY(fs.sync_directory(os::Site("clusterid:remove"), dir));
  if (command.json) return id_text("", true);
  return fmt::format("{} belongs to no cluster any more\n", dir);
}

Result<std::string> force_primary(const ClusterForcePrimaryCommand& command) {
  net::Call call;
  call.method = "POST";
  call.url = net::make_url(command.url, "/skerry/force-primary");
  TRY(net::add_credentials(call));
  TRY_ASSIGN(const net::Reply reply, net::call_and_check(call));
  return command.json ? reply.body : std::string("this node is the primary\n");
}

}  // namespace

int execute(const HistoryCommand& command) {
  return finish(history(command));
}
int execute(const ClusterIdCommand& command) {
  return finish(cluster_id(command));
}
int execute(const ClusterAdoptCommand& command) {
  return finish(adopt(command));
}
int execute(const ClusterResetCommand& command) {
  return finish(reset(command));
}
int execute(const ClusterForcePrimaryCommand& command) {
  return finish(force_primary(command));
}

}  // namespace skerry::app
