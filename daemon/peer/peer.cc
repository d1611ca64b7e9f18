#include "daemon/peer/peer.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/log/log.h"
#include "daemon/os/process.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::peer {
namespace {

using std::chrono::milliseconds;

// How long a file that nobody locks must be left alone before it is taken for complete: "cp" writes
// without a lock, chunk after chunk.
constexpr milliseconds kQuiet{20};
// The same for one that is empty: who empties a file mostly has something for it.
constexpr milliseconds kEmptyQuiet{1000};
// The same for one that is written beside its WAL, where locks tell nothing.
constexpr milliseconds kForeignQuiet{200};
// How often the locks of a file with open changes are looked at.
constexpr milliseconds kLook{1};
// How long a commit may stay unpublished before it is left to the next writer (which takes it
// back).
constexpr milliseconds kWriterMayTake{10'000};
constexpr size_t kMappingsMax = 64;
// Of a WAL, for the next lap over it: SQLite's default is to start it over after 4 MB.
constexpr size_t kWarmPieceBytes = 128 << 10;
constexpr uint64_t kWarmBytesMax = 8 << 20;

constexpr ByteRange kSharedLocks{sqlite::kSharedFirst, sqlite::kSharedBytes};
constexpr ByteRange kWriteLock{sqlite::kWalWriteLock, 1};

}  // namespace

Peer::Peer(std::string mount_dir, os::Clock& clock) : mount_(std::move(mount_dir)), clock_(clock) {}

Peer::~Peer() {
  stop();
}

void Peer::start() {
  const std::lock_guard lock(mutex_);
  running_ = true;
  thread_ = std::thread([this] { run(); });
}

void Peer::stop() {
  std::deque<Closed> left;
  std::deque<Look> looks;
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
    left.swap(closed_);
    looks.swap(looks_);
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  for (Closed& closed : left) closed.done({});
  for (Look& look : looks) look.seen(std::nullopt);
  for (Look& look : appearing_) look.seen(std::nullopt);
  appearing_.clear();
}

void Peer::wal_index_closed(std::shared_ptr<db::Database> database, db::Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (running_) {
      closed_.push_back({std::move(database), std::move(done)});
      changed_.notify_one();
      return;
    }
  }
  done({});
}

// Where nobody looks any more, the application is about to end.
void Peer::when_visible(std::shared_ptr<db::Database> database, Seen seen) {
  {
    const std::lock_guard lock(mutex_);
    if (running_) {
      looks_.push_back({std::move(database), std::move(seen), clock_.now() + kAppearMax});
      changed_.notify_one();
      return;
    }
  }
  seen(database->info().position.txid);
}

void Peer::unjournaled_changes(std::shared_ptr<db::Database> database) {
  {
    const std::lock_guard lock(mutex_);
    due_[std::move(database)] = clock_.now();
  }
  changed_.notify_one();
}

void Peer::warm_wal(std::shared_ptr<db::Database> database) {
  make_cold(std::move(database), {0, kWarmBytesMax, false});
}

void Peer::extend_wal(std::shared_ptr<db::Database> database, uint64_t at, uint64_t bytes) {
  make_cold(std::move(database), {at, bytes, true});
}

void Peer::make_cold(std::shared_ptr<db::Database> database, Cold cold) {
  {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    cold_[std::move(database)] = cold;
  }
  changed_.notify_one();
}

void Peer::run() {
  ::pthread_setname_np(::pthread_self(), "peer");
  std::unique_lock lock(mutex_);
  while (running_) {
    if (watches_.empty() && unpublished_.empty() && appearing_.empty()) {
      changed_.wait(lock, [this] {
        return !running_ || !closed_.empty() || !due_.empty() || !cold_.empty() || !looks_.empty();
      });
    } else {
      changed_.wait_for(
          lock, kLook, [this] { return !running_ || !closed_.empty() || !looks_.empty(); });
    }
    std::ranges::move(looks_, std::back_inserter(appearing_));
    looks_.clear();
    for (auto& [database, when] : std::exchange(due_, {})) watches_[database].changed_at = when;
    auto closed = std::exchange(closed_, {});
    const auto cold = std::exchange(cold_, {});
    lock.unlock();
    look_at_appearing();
    for (Closed& one : closed) {
      if (!publish_dead_writer(one.database)) {
        unpublished_[one.database] = clock_.now() + kWriterMayTake;
      }
      one.done({});
    }
    look_at_closed();
    look_at_watches();
    for (const auto& [database, part] : cold) warm(database->name(), part);
    lock.lock();
  }
  watches_.clear();
  unpublished_.clear();
  shared_.clear();
}

Result<ShmMapping*> Peer::shared_memory(db::Database& database) {
  TRY_ASSIGN(const auto file, database.open_file(db::FileKind::kShm));
  if (shared_.size() > kMappingsMax) shared_.clear();
  Shared& shared = shared_[&database];
  if (shared.file != file) {
    shared.shm.reset();
    TRY_ASSIGN(shared.shm, ShmMapping::open(mount_, database.name() + "-shm", false));
    shared.file = file;
  }
  return shared.shm.get();
}

// Without a valid header the next process recovers it from the WAL, and finds the commit there.
std::optional<Peer::Unpublished> Peer::unpublished(db::Database& database,
                                                   sqlite::WalIndex& index) {
  const auto captured = database.wal_commit();
  if (!captured || captured->end.frames == 0) return std::nullopt;
  const auto seen = index.header();
  if (!seen || seen->salt != captured->header.salt || seen->max_frame >= captured->end.frames) {
    return std::nullopt;
  }
  return Unpublished{*captured, *seen};
}

// The closing process still has its locks. If the WAL ends in a commit that the wal-index does not
// show, its writer is that process, which then is ending, or one that ended before; or a live one,
// which holds the write lock and is about to publish it.
bool Peer::publish_dead_writer(const std::shared_ptr<db::Database>& database) {
  const auto shm = shared_memory(*database);
  if (!shm) return true;  // removed meanwhile
  sqlite::WalIndex index(**shm);
  if (!unpublished(*database, index)) return true;
  const auto lock = ByteLock::try_take((*shm)->fd(), LockKind::kExclusive, kWriteLock);
  if (!lock) return true;
  if (!*lock) {
    const auto holder = conflicting_holder((*shm)->fd(), LockKind::kExclusive, kWriteLock);
    if (!holder || !os::is_ending(*holder)) return false;
  }
  // Nobody writes any more; a writer that was alive a moment ago may have published it.
  const auto left = unpublished(*database, index);
  if (!left) return true;
  const Status published = publish(*database, left->commit, left->shown, index);
  if (!published) {
    log::warn("wal-publish", published.error().message(), {{"db", database->name()}});
  } else {
    log::info("wal-publish", "published the last commit of a writer that ended before it could",
              {{"db", database->name()}, {"frame", left->commit.end.frames}});
  }
  return true;
}

// Every commit but the last is published: its successor's writer began where the wal-index ended.
std::optional<Txid> Peer::visible(const std::shared_ptr<db::Database>& database) {
  const Txid txid = database->info().position.txid;  // before the rest: it may move
  const auto captured = database->wal_commit();
  if (!captured || captured->end.frames == 0) return txid;
  const auto shm = shared_memory(*database);
  // Without shared memory the next process recovers it from the WAL, or the writer is alone.
  if (!shm) return shm.error().code() == Errc::kBusy ? std::nullopt : std::optional(txid);
  sqlite::WalIndex index(**shm);
  const bool is_writing =
      conflicting_holder((*shm)->fd(), LockKind::kExclusive, kWriteLock).has_value();
  if (!index.header()) return is_writing ? std::nullopt : std::optional(txid);
  if (unpublished(*database, index)) {
    if (is_writing || !publish_dead_writer(database)) return std::nullopt;
  }
  return txid;
}

void Peer::look_at_appearing() {
  const auto now = clock_.now();
  std::erase_if(appearing_, [&](Look& look) {
    const auto txid = visible(look.database);
    if (!txid && now < look.until) return false;
    look.seen(txid);
    return true;
  });
}

Status Peer::publish(db::Database& database, const db::WalCommit& captured,
                     const sqlite::WalIndexHeader& seen, sqlite::WalIndex& index) {
  TRY_ASSIGN(const auto pages, database.wal_pages(seen.max_frame + 1, captured.end.frames));
  uint32_t frame = seen.max_frame;
  for (const PageNo pgno : pages) TRY(index.append(++frame, pgno, seen.max_frame));
  sqlite::WalIndexHeader header = seen;
  header.changes += 1;
  header.max_frame = captured.end.frames;
  header.database_pages = captured.pages;
  header.frame_checksum = captured.end.checksum;
  return index.write_header(header);
}

// Whatever fails here costs speed only.
void Peer::warm(const std::string& name, const Cold& cold) const {
  const auto wal = mount_.open(name + "-wal");
  if (!wal) return;  // removed meanwhile
  if (cold.is_new && ::fallocate(wal->get(), 0, static_cast<off_t>(cold.at),
                                 static_cast<off_t>(cold.bytes)) != 0) {
    return;
  }
  Bytes piece(kWarmPieceBytes);
  for (uint64_t done = 0; done < cold.bytes; done += piece.size()) {
    const auto at = static_cast<off_t>(cold.at + done);
    if (::pread(wal->get(), piece.data(), piece.size(), at) <= 0) return;
  }
}

void Peer::look_at_closed() {
  const auto now = clock_.now();
  std::erase_if(unpublished_, [&](const auto& entry) {
    return publish_dead_writer(entry.first) || now > entry.second;
  });
}

// --- Changes without a journal -------------------------------------------------------------------

void Peer::look_at_watches() {
  for (auto at = watches_.begin(); at != watches_.end();) {
    at = try_commit(at->first, at->second) ? watches_.erase(at) : std::next(at);
  }
}

// True once there is nothing left to wait for.
bool Peer::try_commit(const std::shared_ptr<db::Database>& database, Watch& watch) {
  if (!database->has_unjournaled_changes()) return true;
  if (database->has_foreign_changes()) return try_commit_foreign(*database, watch);
  if (!watch.fd) {
    auto fd = mount_.open(database->name());
    if (!fd) return fd.error().code() == Errc::kNotFound;
    watch.fd = *std::move(fd);
  }
  const auto locks_free = [&watch] {
    return !conflicting_holder(watch.fd.get(), LockKind::kShared, kSharedLocks);
  };
  if (!locks_free()) {
    watch.saw_lock = true;
    return false;
  }
  struct stat st{};
  const bool is_empty = ::fstat(watch.fd.get(), &st) == 0 && st.st_size == 0;
  const auto quiet = is_empty ? kEmptyQuiet : kQuiet;
  if (!watch.saw_lock && clock_.now() - watch.changed_at < quiet) return false;
  const std::string name = database->name();
  bool tried = false;
  const auto try_now = [&] { return tried = locks_free(); };
  database->commit_unjournaled(try_now, [name](Status status) {
    if (!status) log::warn("commit-unjournaled", status.error().message(), {{"db", name}});
  });
  // What is not a whole database, or is refused, waits for its next write, which tells.
  return tried || !database->has_unjournaled_changes();
}

bool Peer::try_commit_foreign(db::Database& database, const Watch& watch) {
  if (clock_.now() - watch.changed_at < kForeignQuiet) return false;
  const std::string name = database.name();
  log::warn("foreign-change",
            "the database file was written beside its WAL by something else than SQLite; what "
            "readers find now becomes a transaction",
            {{"db", name}});
  database.commit_foreign([name](Status status) {
    if (!status) log::warn("commit-foreign", status.error().message(), {{"db", name}});
  });
  return true;
}

}  // namespace skerry::peer
