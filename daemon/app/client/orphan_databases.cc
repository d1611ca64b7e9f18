#include "daemon/app/client/orphan_databases.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <thread>

#include "daemon/db/stored_ltx.h"
#include "daemon/rows/compare.h"
#include "ltx/decoder.h"

namespace skerry::app {

namespace files = std::filesystem;

Result<ScratchFolder> ScratchFolder::make() {
  std::error_code error;
  std::string path = (files::temp_directory_path(error) / "skerry-XXXXXX").string();
  if (error || ::mkdtemp(path.data()) == nullptr) {
    return fail_errno(errno, "making a folder for copies (TMPDIR says where)");
  }
  return ScratchFolder(path);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) files::remove_all(path_, ignored);
}

// --- The orphan ----------------------------------------------------------------------------------

// Bytes 18 and 19 of the header: which versions write and read it; 2 is WAL.
static constexpr size_t kVersionsAt = 18;

static Status write_pages(ltx::Decoder& decoder, os::File& out) {
  TRY_ASSIGN(const ltx::Header header, decoder.header());
  Bytes page(header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
    if (*pgno == PageNo(1)) page[kVersionsAt] = page[kVersionsAt + 1] = std::byte{1};
    TRY(out.write_at(os::Site("orphan:rebuild:write"), page_offset(*pgno, header.page_size), page));
  }
  TRY(decoder.finish());
  TRY(out.truncate(os::Site("orphan:rebuild:write"),
                   uint64_t{header.commit} * header.page_size.bytes()));
  return out.sync(os::Site("orphan:rebuild:sync"));
}

static Status apply_file(os::FileSystem& fs, const std::string& path, os::File& out) {
  TRY_ASSIGN(std::shared_ptr<os::File> file,
             fs.open(os::Site("orphan:rebuild:open"), path, os::OpenMode::kRead));
  TRY_ASSIGN(const os::FileInfo info, file->info());
  db::StoredLtxSource source(db::StoredLtx(Txid(1), Txid(1), file, 0, info.bytes));
  ltx::Decoder decoder(source);
  return write_pages(decoder, out);
}

Status rebuild_orphan(os::FileSystem& fs, const cluster::Orphan& orphan, const std::string& path) {
  if (!orphan.has_snapshot) {
    return fail(Errc::kNotFound,
                fmt::format("{} holds no whole database, because it was damaged or dropped; its "
                            "transactions are the .ltx files in {}",
                            orphan.id, orphan.path));
  }
  TRY_ASSIGN(const auto out,
             fs.open(os::Site("orphan:rebuild:open"), path, os::OpenMode::kCreateNew));
  Status written = apply_file(fs, orphan.path + "/" + cluster::kOrphanSnapshot, *out);
  if (!written) (void)os::remove_if_exists(fs, os::Site("orphan:rebuild:remove"), path);
  return written;
}

bool knows_fork(const cluster::Orphan& orphan) {
  return orphan.has_base || (orphan.fork && orphan.fork->txid == Txid(0));
}

Result<bool> rebuild_fork(os::FileSystem& fs, const cluster::Orphan& orphan,
                          const std::string& path) {
  if (!orphan.has_base) return false;
  TRY(rebuild_orphan(fs, orphan, path));
  TRY_ASSIGN(const auto out,
             fs.open(os::Site("orphan:rebuild:open"), path, os::OpenMode::kReadWrite));
  TRY(apply_file(fs, orphan.path + "/" + cluster::kOrphanBase, *out));
  return true;
}

// --- The database of now -------------------------------------------------------------------------

namespace {

constexpr std::array<std::pair<const char*, const char*>, 3> kParts = {
    {{"database", ""}, {"wal", "-wal"}, {"journal", "-journal"}}};
constexpr int kTriesMax = 20;
// Two writes within the clock's resolution look like one.
constexpr std::chrono::milliseconds kStill{50};

// Sizes and times of the files: what changes with every write.
std::string look(const std::string& dir) {
  std::string all;
  for (const auto& [name, suffix] : kParts) {
    struct stat info {};
    if (::stat(fmt::format("{}/{}", dir, name).c_str(), &info) != 0) info = {};
    all += fmt::format("{} {} {}.{} {}.{};", info.st_ino, info.st_size, info.st_mtim.tv_sec,
                       info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
  }
  return all;
}

Status copy_parts(const std::string& dir, const std::string& path) {
  for (const auto& [name, suffix] : kParts) {
    std::error_code error;
    const std::string to = path + suffix;
    files::remove(to, error);
    const std::string from = dir + "/" + name;
    if (!files::exists(from, error)) continue;
    files::copy_file(from, to, error);
    if (error && error != std::errc::no_such_file_or_directory) {
      return fail_errno(error.value(), fmt::format("copying {} to {}", from, to));
    }
  }
  return {};
}

}  // namespace

Result<bool> copy_present(const std::string& data_dir, const std::string& database,
                          const std::string& path) {
  const std::string dir = data_dir + "/dbs/" + database;
  std::error_code ignored;
  for (int i = 0; i < kTriesMax; ++i) {
    const std::string before = look(dir);
    TRY(copy_parts(dir, path));
    std::this_thread::sleep_for(kStill);
    if (look(dir) != before) continue;
    if (!files::exists(path, ignored) || files::file_size(path, ignored) == 0) return false;
    TRY(rows::settle(path));
    return true;
  }
  return fail(Errc::kBusy,
              fmt::format("database {} is written all the time, so that its files cannot be copied; "
                          "write \"skerry export -name {} PATH\" and then -against PATH",
                          database, database));
}

}  // namespace skerry::app
