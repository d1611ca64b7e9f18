// A replica without a mount: its applier works on the files of the data folder as if they were
// mounted, and SQLite reads them through a VFS of its own. A primary's commit log is its source.
//
// SQLite and the applier share one process here, whose POSIX locks on a file go when any descriptor
// of it is closed: end connections before stop().
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "daemon/apply/node_applier.h"
#include "daemon/db/stored_ltx.h"
#include "ltx/base/invariant.h"
#include "ltx/decoder.h"
#include "tests/support/capture_fixture.h"
#include "tests/support/db_model.h"

namespace skerry::test {

// The data folder's files under the mount's names.
class FolderMount final : public peer::OwnMount {
 public:
  explicit FolderMount(const std::string& dir) : OwnMount(dir) {}
  void serve(store::Store& store) { store_ = &store; }

  Result<os::Fd> open(const std::string& name, bool create) const override {
    const auto [database, kind] = parse(name);
    if (!database) return fail_errno(ENOENT, name);
    if (kind == db::FileKind::kShm) TRY(join_shm(*database));
    if (create) {
      TRY(database->create_file(kind));
    } else {
      TRY(database->open_file(kind));
    }
    os::Fd fd(::open(database->path(kind).c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) return fail_errno(errno, name);
    return fd;
  }

  Status unlink(const std::string& name) const override {
    const auto [database, kind] = parse(name);
    if (!database) return fail_errno(ENOENT, name);
    Status result;
    const std::string path = database->path(kind);
    database->remove(
        kind,
        [&path]() -> Status {
          if (::unlink(path.c_str()) != 0) return fail_errno(errno, path);
          return {};
        },
        [&result](Status status) { result = std::move(status); });
    return result;
  }

 private:
  // SQLite's own VFS names the -shm after the database file: "database-shm" is the same file.
  static Status join_shm(db::Database& database) {
    namespace fs = std::filesystem;
    const std::string ours = database.path(db::FileKind::kShm);
    const std::string sqlites = database.path(db::FileKind::kDatabase) + "-shm";
    const bool joined = fs::exists(ours) && fs::exists(sqlites) && fs::equivalent(ours, sqlites);
    if (joined) return {};
    database.remove(
        db::FileKind::kShm,
        [&ours]() -> Status {
          fs::remove(ours);
          return {};
        },
        [](const Status&) {});
    if (fs::exists(sqlites)) fs::create_hard_link(sqlites, ours);
    TRY(database.create_file(db::FileKind::kShm));
    if (!fs::exists(sqlites)) fs::create_hard_link(ours, sqlites);
    return {};
  }

  [[nodiscard]] std::pair<std::shared_ptr<db::Database>, db::FileKind> parse(
      std::string name) const {
    for (const auto kind : {db::FileKind::kJournal, db::FileKind::kWal, db::FileKind::kShm}) {
      if (!name.ends_with(db::suffix(kind))) continue;
      name.resize(name.size() - db::suffix(kind).size());
      return {store_->find(name), kind};
    }
    return {store_->find(name), db::FileKind::kDatabase};
  }

  store::Store* store_ = nullptr;
};

// A replica's data folder at `dir`, which exists.
struct ReplicaNode {
  const std::string folder;
  os::PosixFileSystem fs;
  os::SystemClock clock;
  TestGate gate;
  TestListener listener;
  NoKernelCache cache;
  db::Environment env{fs, clock, gate, listener, cache, NodeId(43)};
  FolderMount mount{folder};
  std::unique_ptr<store::Store> store;
  std::unique_ptr<apply::NodeApplier> applier;
  CapturedVfs vfs{env, "replica", folder,
                  [this](const std::string& name) { return store->find_or_create(name).value(); }};

  explicit ReplicaNode(std::string dir) : folder(std::move(dir)) { gate.writable = false; }
  [[nodiscard]] Status open() {
    TRY_ASSIGN(store, store::Store::open(env, folder));
    mount.serve(*store);
    applier = std::make_unique<apply::NodeApplier>(fs, clock, mount, cache, *store);
    return {};
  }
  // As a killed process leaves it.
  void end() {
    if (applier) applier->stop();
    applier.reset();
    store.reset();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder + "/" + name; }
  [[nodiscard]] std::string dir_of(const std::string& name) const {
    return folder + "/dbs/" + name;
  }
  [[nodiscard]] Position position(const std::string& name) const {
    const auto database = store->find(name);
    return database ? database->info().position : Position{};
  }
};

struct OwnFolder {
  TempDir dir;
};

struct ReplicaFixture : OwnFolder, ReplicaNode {
  ReplicaFixture() : ReplicaNode(dir.path()) { INVARIANT(open().has_value()); }
  void reopen() {
    end();
    INVARIANT(open().has_value());
  }
};

// Brings one transaction in, an LTX file.
[[nodiscard]] inline Status apply_ltx(apply::Applier& applier, const std::string& name,
                                      ltx::ByteSource& source) {
  ltx::Decoder decoder(source);
  TRY_ASSIGN(const ltx::Header header, decoder.header());
  TRY_ASSIGN(auto incoming, applier.begin(name, header));
  Bytes page(header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
    TRY(incoming->add(*pgno, page));
  }
  TRY_ASSIGN(const auto trailer, decoder.finish());
  return incoming->commit(trailer.post_apply_checksum);
}

// The same, a record of a log.
[[nodiscard]] inline Status apply_record(apply::Applier& applier, const std::string& name,
                                         const db::CommitLog::Found& record) {
  TRY_ASSIGN(auto stored, record.segment->stored(record.place));
  db::StoredLtxSource source(std::move(stored));
  return apply_ltx(applier, name, source);
}

// Everything that the log has after the replica's position.
[[nodiscard]] inline Status follow(apply::Applier& applier, const store::Store& store,
                                   const std::string& name, const db::CommitLog& log) {
  for (;;) {
    const auto database = store.find(name);
    const Txid at = database ? database->info().position.txid : Txid(0);
    if (log.last() <= at) return {};
    const auto record = log.find(next(at));
    if (!record) return fail(Errc::kNotFound, "the log has a gap");
    TRY(apply_record(applier, name, *record));
  }
}

}  // namespace skerry::test
