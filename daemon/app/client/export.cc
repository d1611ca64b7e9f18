// skerry export: fetches a database from a node. PATH is replaced only once the copy is complete
// and on disk; what SQLite kept beside the old file goes with it.

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "daemon/app/cli/export_command.h"
#include "daemon/app/client/outcome.h"
#include "daemon/app/progress.h"
#include "daemon/net/http_client.h"
#include "daemon/os/posix_file_system.h"

namespace skerry::app {
namespace {

// The node copies the database before it sends the first byte.
constexpr std::chrono::minutes kSilenceMax{30};

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

Status download(const ExportCommand& command, os::File& file) {
  std::optional<Progress> progress;
  uint64_t done = 0;
  net::Call call;
  call.url = net::make_url(command.url, "/export", {{"name", command.name}});
  call.silence_max = kSilenceMax;
  call.sink = [&](ByteView piece, std::optional<uint64_t> total) -> Status {
    if (!progress) progress.emplace(fmt::format("Exporting {}", command.name), total.value_or(0));
    TRY(file.write_at(os::Site("export:file:write"), done, piece));
    done += piece.size();
    progress->update(done);
    return {};
  };
  TRY(net::call_and_check(call));
  return {};
}

Status put_in_place(os::FileSystem& fs, const std::string& from, const std::string& path) {
  for (const char* suffix : {"-journal", "-wal", "-shm"}) {
    TRY(os::remove_if_exists(fs, os::Site("export:file:beside"), path + suffix));
  }
  TRY(fs.rename(os::Site("export:file:rename"), from, path));
  return fs.sync_directory(os::Site("export:file:directory"), folder_of(path));
}

Status fetch(const ExportCommand& command) {
  os::PosixFileSystem fs;
  if (std::error_code ignored; std::filesystem::is_directory(command.path, ignored)) {
    return fail(Errc::kInvalid, fmt::format("{} is a folder; name the file", command.path));
  }
  const std::string temporary = command.path + ".tmp";
  Status result;
  {
    TRY_ASSIGN(const auto file,
               fs.open(os::Site("export:file:open"), temporary, os::OpenMode::kTruncate));
    result = download(command, *file);
    if (result) result = file->sync(os::Site("export:file:sync"));
  }
  if (result) result = put_in_place(fs, temporary, command.path);
  if (!result) (void)os::remove_if_exists(fs, os::Site("export:file:remove"), temporary);
  return result;
}

}  // namespace

int execute(const ExportCommand& command) {
  const auto began = std::chrono::steady_clock::now();
  if (const Status fetched = fetch(command); !fetched) return emit(failure(fetched.error()));
  const auto took = std::chrono::steady_clock::now() - began;
  return emit({0, success_line("Export", command.name, took), ""});
}

}  // namespace skerry::app
