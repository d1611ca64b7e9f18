#include "daemon/db/database.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/db/database_internal.h"
#include "daemon/os/blocking.h"
#include "ltx/base/invariant.h"
#include "ltx/checksum.h"

namespace skerry::db {

Database::Database(const Environment& environment, std::string name, std::string dir)
    : env_(environment), name_(std::move(name)), dir_(std::move(dir)) {}

Database::~Database() = default;

std::string Database::path(FileKind kind) const {
  return fmt::format("{}/{}", dir_, backing_name(kind));
}

Database::Info Database::info() const {
  const std::lock_guard lock(mutex_);
  const TableState& state = history_->state();
  return {state.position, state.epoch,      state.timestamp_ms,
          state.commit,   state.page_bytes, wal_.chain().end().frames};
}

Stamp Database::stamp() {
  return {env_.clock.wall_ms(), env_.gate.epoch(), env_.node};
}

// The changes' pages, where the listener wants them. What is given for a page's content before is
// held against the page-checksum table.
std::shared_ptr<const CommitImages> Database::images(const ChangeSet& set, PageReader& pages,
                                                     const Before& before) {
  const auto count = static_cast<uint32_t>(set.changes.size());
  if (!env_.listener.wants_images(count, set.page_size)) return nullptr;
  const size_t page_bytes = set.page_size.bytes();
  auto images = std::make_shared<CommitImages>();
  images->page_size = set.page_size;
  images->pages.reserve(count);
  images->content.reserve(2 * count * page_bytes);
  for (const Change& change : set.changes) {
    const auto after = pages.read(change);
    if (!after) return nullptr;
    CommitImages::Page& page = images->pages.emplace_back(change.pgno, images->content.size());
    append(images->content, *after);
    const Checksum known = history_->table().get(change.pgno);
    if (set.every_page || known == Checksum(0)) continue;
    const ByteView old = before(change.pgno);
    if (old.size() != page_bytes || ltx::page_checksum(change.pgno, old) != known) continue;
    page.before = images->content.size();
    append(images->content, old);
  }
  return images;
}

// What may not be written while a transaction is between being recorded and being visible. The
// wal-index is SQLite's own matter, and a checkpoint writes only what is committed.
Status Database::check_idle(FileKind kind) const {
  if (kind == FileKind::kShm) return {};
  if (held_ != nullptr) {
    return fail(Errc::kBusy,
                fmt::format("database {}: a commit waits for its confirmation", name_));
  }
  if (kind == FileKind::kDatabase && has_wal_frames()) return {};
  if (applying_ == Applying::kNo && !must_redo_) return {};
  return fail(Errc::kBusy,
              fmt::format("database {}: a transaction of another node is being applied", name_));
}

Status Database::check_may_apply() const {
  TRY(check_idle(FileKind::kWal));
  if (!staged_) return {};
  return fail(Errc::kBusy, fmt::format("database {}: another commit is on its way", name_));
}

Result<std::optional<sqlite::DbHeader>> Database::read_header() {
  auto& database = file(FileKind::kDatabase);
  if (!database) return std::nullopt;
  std::array<std::byte, sqlite::kDbHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, database->read_at(os::Site("capture:header"), 0, raw));
  return sqlite::decode_db_header(ByteView(raw).first(n));
}

Result<std::shared_ptr<os::File>> Database::open_file(FileKind kind) {
  const std::lock_guard lock(mutex_);
  if (file(kind)) return file(kind);
  return fail(Errc::kNotFound, fmt::format("{}{} does not exist", name_, suffix(kind)));
}

Result<std::shared_ptr<os::File>> Database::create_file(FileKind kind) {
  const std::lock_guard lock(mutex_);
  if (file(kind)) return file(kind);
  // Readers of a WAL database need -wal and -shm, on replicas too.
  if (kind == FileKind::kDatabase || kind == FileKind::kJournal) TRY(env_.gate.may_write(*this));
  TRY_ASSIGN(auto created,
             env_.fs.open(os::Site("file:create"), path(kind), os::OpenMode::kCreate));
  attach(kind, std::move(created));
  return file(kind);
}

void Database::attach(FileKind kind, std::shared_ptr<os::File> opened) {
  const auto info = opened->info();
  file_ids_[static_cast<size_t>(kind)] = info ? info->inode : 0;
  file(kind) = std::move(opened);
  if (kind != FileKind::kWal) return;
  wal_.attach(file(kind).get());
  wal_.restart(std::nullopt);
  wal_bytes_ = info ? info->bytes : 0;
}

void Database::detach(FileKind kind) {
  file_ids_[static_cast<size_t>(kind)] = 0;
  file(kind).reset();
  if (kind == FileKind::kWal) wal_.attach(nullptr);
  // Frames beside a database that is gone belong to nobody.
  if (kind == FileKind::kWal || kind == FileKind::kDatabase) wal_.restart(std::nullopt);
}

void Database::deliver(Outcome outcome, Done done) {
  if (outcome) {
    done(std::move(*outcome));
    return;
  }
  Transaction transaction;
  {
    const std::lock_guard lock(mutex_);
    transaction = *staged_;
    held_->done = std::move(done);
  }
  env_.gate.hold(*this, transaction, [self = shared_from_this()](Status verdict) {
    self->resume_held(std::move(verdict));
  });
}

void Database::write(FileKind kind, Target target, uint64_t offset, ByteView data, Done done) {
  counters_.writes[static_cast<size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  Outcome outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome = target == file(kind) ? write_locked(kind, offset, data)
                                   : target->write_at(os::Site("file:orphan:write"), offset, data);
  }
  deliver(std::move(outcome), std::move(done));
}

Database::Outcome Database::write_locked(FileKind kind, uint64_t offset, ByteView data) {
  if (auto idle = check_idle(kind); !idle) return idle;
  if (!file(kind)) return fail(Errc::kNotFound, fmt::format("{}{} is gone", name_, suffix(kind)));
  switch (kind) {
    case FileKind::kDatabase:
      return write_database(offset, data);
    case FileKind::kJournal:
      return write_journal(offset, data);
    case FileKind::kWal:
      return write_wal(offset, data);
    case FileKind::kShm:
      return file(kind)->write_at(os::Site("file:shm:write"), offset, data);
  }
  return fail(Errc::kInvalid, "no such file");
}

void Database::truncate(FileKind kind, Target target, uint64_t bytes, Done done) {
  Outcome outcome;
  {
    const std::lock_guard lock(mutex_);
    outcome = target == file(kind) ? truncate_locked(kind, bytes)
                                   : target->truncate(os::Site("file:orphan:truncate"), bytes);
  }
  deliver(std::move(outcome), std::move(done));
}

Database::Outcome Database::truncate_locked(FileKind kind, uint64_t bytes) {
  // The size of a file that this process writes itself, told to the kernel by way of the mount.
  const bool is_ours = (kind == FileKind::kDatabase && applying_ == Applying::kFile) ||
                       (kind == FileKind::kWal && bytes >= wal_bytes_);
  if (!is_ours) {
    if (auto idle = check_idle(kind); !idle) return idle;
  }
  const auto target = file(kind);
  const auto cut = [target, bytes]() -> Status {
    return target->truncate(os::Site("file:truncate"), bytes);
  };
  switch (kind) {
    case FileKind::kJournal:
      if (bytes == 0) return end_journal(cut);
      return cut();
    case FileKind::kWal: {
      if (auto ready = before_wal_shrinks(bytes); !ready) return ready;
      auto done = cut();
      if (done) wal_.truncate(bytes);
      if (done) wal_bytes_ = bytes;
      return done;
    }
    case FileKind::kDatabase:
      return is_ours ? cut() : truncate_database(bytes);
    case FileKind::kShm:
      return cut();
  }
  return fail(Errc::kInvalid, "no such file");
}

Status Database::allocate(FileKind kind, Target target, uint64_t offset, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  TRY(check_idle(kind));
  if (target == file(kind)) TRY(env_.gate.may_write(*this));
  return target->allocate(os::Site("file:allocate"), offset, bytes);
}

static os::Site sync_site(FileKind kind) {
  constexpr std::array<const char*, kFileKinds.size()> kLabels{"database:sync", "journal:sync",
                                                               "wal:sync", "file:shm:sync"};
  return os::Site(kLabels[static_cast<size_t>(kind)]);
}

void Database::sync(FileKind kind, Target target, Done done) {
  Outcome outcome;
  {
    const os::BlockingScope blocking;
    outcome = target->sync(sync_site(kind));
  }
  {
    const std::lock_guard lock(mutex_);
    if (*outcome && target == file(kind)) outcome = synced_locked(kind);
  }
  deliver(std::move(outcome), std::move(done));
}

Database::Outcome Database::synced_locked(FileKind kind) {
  if (kind == FileKind::kWal) wal_synced_ = true;
  if (kind != FileKind::kDatabase) return Status{};
  file_synced_ = true;
  // Without a journal this is the last that SQLite asks for in a transaction, and it can be
  // refused.
  if (!unjournaled_ || !check_idle(kind)) return Status{};
  return commit_file_changes([]() -> Status { return {}; });
}

void Database::remove(FileKind kind, std::move_only_function<Status()> unlink, Done done) {
  Outcome outcome;
  {
    const std::lock_guard lock(mutex_);
    // A name that goes takes with it what is being recorded, unless that is why it goes.
    outcome = is_being_dropped() ? Status{} : check_idle(FileKind::kWal);
    if (kind == FileKind::kShm) outcome = Status{};
    if (*outcome) outcome = remove_locked(kind, std::move(unlink));
  }
  deliver(std::move(outcome), std::move(done));
}

Database::Outcome Database::remove_locked(FileKind kind, std::move_only_function<Status()> unlink) {
  if (is_being_dropped()) {
    if (auto gone = unlink(); !gone) return gone;
    detach(kind);
    return Status{};
  }
  switch (kind) {
    case FileKind::kJournal:
      return end_journal([this, unlink = std::move(unlink)]() mutable -> Status {
        TRY(unlink());
        detach(FileKind::kJournal);
        return {};
      });
    case FileKind::kDatabase:
      return drop(std::move(unlink));
    case FileKind::kWal: {
      if (auto ready = before_wal_shrinks(0); !ready) return ready;
      break;
    }
    case FileKind::kShm:
      break;
  }
  if (auto gone = unlink(); !gone) return gone;
  detach(kind);
  return Status{};
}

std::optional<WalCommit> Database::wal_commit() const {
  const std::lock_guard lock(mutex_);
  const auto& chain = wal_.chain();
  if (!chain.header()) return std::nullopt;
  return WalCommit{*chain.header(), chain.end(), history_->state().commit};
}

Result<std::vector<PageNo>> Database::wal_pages(uint32_t first_frame, uint32_t last_frame) {
  const std::lock_guard lock(mutex_);
  const auto& chain = wal_.chain();
  if (!chain.header() || last_frame > chain.end().frames) {
    return fail(Errc::kInvalid, fmt::format("{}: the WAL has no frame {}", name_, last_frame));
  }
  std::vector<PageNo> pages;
  for (uint32_t frame = first_frame; frame <= last_frame; ++frame) {
    std::array<std::byte, sqlite::kWalFrameHeaderBytes> raw;
    const uint64_t at = sqlite::wal_frame_offset(frame, chain.header()->page_size);
    TRY(file(FileKind::kWal)->read_at(os::Site("wal:pages"), at, raw));
    pages.push_back(sqlite::decode_wal_frame_header(raw).pgno);
  }
  return pages;
}

bool Database::must_redo() const {
  const std::lock_guard lock(mutex_);
  return must_redo_;
}

bool Database::is_void() const {
  const std::lock_guard lock(mutex_);
  return history_->position().txid == Txid(0) && held_ == nullptr &&
         std::ranges::none_of(files_, [](const auto& f) { return f != nullptr; });
}

bool Database::has_unjournaled_changes() const {
  const std::lock_guard lock(mutex_);
  return (unjournaled_ || foreign_) && held_ == nullptr && applying_ == Applying::kNo;
}

void Database::commit_unjournaled(const std::function<bool()>& locks_free, Done done) {
  Outcome outcome(Status{});
  {
    const std::lock_guard lock(mutex_);
    if (unjournaled_ && check_idle(FileKind::kDatabase) && locks_free()) {
      outcome = commit_file_changes([]() -> Status { return {}; });
    }
  }
  deliver(std::move(outcome), std::move(done));
}

Database::Outcome Database::hold(Held held) {
  held_ = std::make_unique<Held>(std::move(held));
  return std::nullopt;
}

void Database::resume_held(Status verdict) {
  Outcome outcome;
  Done done;
  {
    const std::lock_guard lock(mutex_);
    INVARIANT(held_ != nullptr);
    const std::unique_ptr<Held> held = std::move(held_);
    done = std::move(held->done);
    outcome = finish_held(*held, std::move(verdict));
  }
  deliver(std::move(outcome), std::move(done));
}

Database::Outcome Database::finish_held(Held& held, Status verdict) {
  if (held.make_visible) {
    if (verdict) return finish_file_commit(held.make_visible);
    if (auto gone = history_->abandon(); !gone) return gone;
    return verdict;
  }
  if (!verdict) {
    wal_.refuse();
    if (auto gone = history_->abandon(); !gone) return gone;
    return verdict;
  }
  if (auto finished = finish_wal_commit(held.offset, held.piece); !finished) return finished;
  return write_wal(held.offset + held.piece.size(), held.rest);
}

void Database::publish() {
  history_->publish();
  counters_.commits.fetch_add(1, std::memory_order_relaxed);
  env_.listener.committed(*this, *staged_);
  staged_.reset();
}

// The files that hold what is committed.
Status Database::sync_files() {
  std::array<std::shared_ptr<os::File>, 2> targets;
  {
    const std::lock_guard lock(mutex_);
    targets = {file(FileKind::kWal), file(FileKind::kDatabase)};
  }
  for (const auto& target : targets) {
    if (target) TRY(target->sync(os::Site("state:sync")));
  }
  return {};
}

Txid Database::synced_txid() const {
  const std::lock_guard lock(mutex_);
  return history_->state().synced_txid;
}

Status Database::begin_log_segment() {
  const std::lock_guard lock(mutex_);
  TRY(check_idle(FileKind::kWal));
  return history_->log().begin_segment();
}

Result<Txid> Database::sync_state() {
  std::shared_ptr<os::Mapping> mapping;
  Txid upto;
  {
    const std::lock_guard lock(mutex_);
    const TableState& state = history_->state();
    upto = state.position.txid;
    if (state.synced_txid == upto) return upto;
    mapping = history_->table().mapping();
  }
  TRY(history_->log().sync());
  TRY(sync_files());
  TRY(PageChecksums::sync(*mapping));
  const std::lock_guard lock(mutex_);
  TableState state = history_->state();
  state.synced_txid = std::min(upto, state.position.txid);
  history_->table().save(state);
  return state.synced_txid;
}

Status Database::close() {
  TRY(history_->log().sync());
  TRY(sync_files());
  const std::lock_guard lock(mutex_);
  TableState state = history_->state();
  TRY(history_->table().sync());
  state.synced_txid = state.position.txid;
  state.clean = !unjournaled_ && !journal_active_ && !rollback_.touched();
  history_->table().save(state);
  return history_->table().sync();
}

}  // namespace skerry::db
