// Database: writes to the database file, the rollback journal, and the commits at its end.

#include <fmt/format.h>

#include <cerrno>

#include "daemon/db/database_internal.h"
#include "daemon/os/blocking.h"
#include "ltx/checksum.h"

namespace skerry::db {

// The first eight bytes of a rollback journal that is in force ("The SQLite database file format",
// 3); zeros once it has ended.
static constexpr std::array<std::byte, 8> kJournalMagic{
    std::byte{0xd9}, std::byte{0xd5}, std::byte{0x05}, std::byte{0xf9},
    std::byte{0x20}, std::byte{0xa1}, std::byte{0x63}, std::byte{0xd7}};
static constexpr std::array<std::byte, 8> kEndedJournal{};

Status Database::write_database(uint64_t offset, ByteView data) {
  auto& database = file(FileKind::kDatabase);
  if (has_wal_frames()) {
    TRY(sync_log_if_application_syncs());
    // Frames that this process writes are visible a moment before their pages are known.
    if (applying_ == Applying::kNo) TRY(check_checkpoint_write(offset, data));
    return database->write_at(os::Site("checkpoint:write"), offset, data);
  }
  // A transaction that may not, or cannot, be committed may still be rolled back from its journal.
  if (!is_rolled_back_by(offset, data)) {
    const bool rolls_back = journal_active_ && rollback_.touched();
    if (!rolls_back) TRY(env_.gate.may_write(*this));
    TRY(check_space_for_write(offset, data.size()));
  }
  if (env_.listener.wants_images(1, *PageSize::of(512))) {
    before_images_.keep(*database, history_->table(), offset, data.size());
  }
  rollback_.wrote(history_->table(), offset, data.size());
  if (!journal_active_) unjournaled_ = true;
  file_synced_ = false;
  return database->write_at(os::Site("database:write"), offset, data);
}

// The page as it was committed: SQLite restores it from the journal, also where it had not been
// overwritten yet.
bool Database::is_rolled_back_by(uint64_t offset, ByteView data) {
  const TableState& state = history_->state();
  const bool one_page = state.page_bytes != 0 && data.size() == state.page_bytes &&
                        offset % state.page_bytes == 0 &&
                        offset < uint64_t{state.commit} * state.page_bytes;
  if (!journal_active_ || rollback_.touched() || !one_page) return false;
  const PageNo pgno(static_cast<uint32_t>(offset / state.page_bytes) + 1);
  return ltx::page_checksum(pgno, data) == history_->table().get(pgno);
}

// A transaction whose record will find no room is refused here, where SQLite takes it for what it
// is (SQLITE_FULL), rather than at its end. Asked at its first write, when the journal shows how
// much it changes, and while it lets the file grow: never while it is rolled back.
Status Database::check_space_for_write(uint64_t offset, uint64_t bytes) {
  const TableState& state = history_->state();
  const uint64_t committed = uint64_t{state.commit} * state.page_bytes;
  const uint64_t growth = offset + bytes > committed ? offset + bytes - committed : 0;
  const bool first = !rollback_.touched();
  if (!first && growth == 0) return {};
  uint64_t changed = 0;
  if (auto& journal = file(FileKind::kJournal)) {
    TRY_ASSIGN(const auto info, journal->info());
    changed = info.bytes;
  }
  return check_space(first ? kSpaceCheckedEach : bytes, changed + growth);
}

// `growth`: bytes by which a file is about to grow; `record`: of the transaction so far.
Status Database::check_space(uint64_t growth, uint64_t record) {
  unchecked_growth_ += growth;
  if (unchecked_growth_ < kSpaceCheckedEach) return {};
  const uint64_t needed = kDiskReserveBytes + growth + record;
  TRY_ASSIGN(const uint64_t free, env_.fs.free_bytes(dir_));
  if (free >= needed) {
    unchecked_growth_ = 0;
    return {};
  }
  return fail(Errc::kNoSpace,
              fmt::format("database {}: {} bytes are free on the disk of {}, and {} are needed to "
                          "record the transaction",
                          name_, free, dir_, needed),
              ENOSPC);
}

Status Database::truncate_database(uint64_t bytes) {
  auto& database = file(FileKind::kDatabase);
  if (!has_wal_frames()) {
    const TableState& state = history_->state();
    const bool rolls_back = journal_active_ && (rollback_.touched() ||
                                                bytes == uint64_t{state.commit} * state.page_bytes);
    if (!rolls_back) TRY(env_.gate.may_write(*this));
    rollback_.truncated(history_->table(), bytes);
    if (!journal_active_) unjournaled_ = true;
    file_synced_ = false;
  } else {
    const uint64_t committed_bytes =
        uint64_t{history_->state().commit} * history_->state().page_bytes;
    if (bytes < committed_bytes) TRY(check_beside_frames(bytes, committed_bytes - bytes));
  }
  return database->truncate(os::Site("database:truncate"), bytes);
}

Database::Outcome Database::write_journal(uint64_t offset, ByteView data) {
  const bool has_magic_field = offset == 0 && data.size() >= kJournalMagic.size();
  const ByteView magic = has_magic_field ? data.first(kJournalMagic.size()) : ByteView();
  auto journal = file(FileKind::kJournal);
  if (has_magic_field && journal_active_ && equal(magic, kEndedJournal)) {
    Bytes copy(data.begin(), data.end());
    return end_journal([journal, copy = std::move(copy)]() -> Status {
      return journal->write_at(os::Site("commit:journal:zero"), 0, copy);
    });
  }
  if (!rollback_.touched()) {
    if (auto allowed = env_.gate.may_write(*this); !allowed) return allowed;
  }
  auto written = journal->write_at(os::Site("journal:write"), offset, data);
  if (written && has_magic_field) journal_active_ = equal(magic, kJournalMagic);
  return written;
}

Result<bool> Database::remove_ended_journal() {
  const std::lock_guard lock(mutex_);
  if (!file(FileKind::kJournal) || journal_active_ || held_ != nullptr) return false;
  TRY(env_.fs.remove(os::Site("journal:remove-ended"), path(FileKind::kJournal)));
  detach(FileKind::kJournal);
  return true;
}

Status Database::load_journal() {
  std::array<std::byte, kJournalMagic.size()> magic{};
  if (auto& journal = file(FileKind::kJournal)) {
    TRY(journal->read_at(os::Site("recovery:journal:read"), 0, magic));
  }
  journal_active_ = equal(magic, kJournalMagic);
  return {};
}

Database::Outcome Database::end_journal(std::move_only_function<Status()> end) {
  // A journal that was never in force covers nothing: changes beside it, if any, have none.
  if (wal_.has_frames() || !journal_active_) {
    journal_active_ = false;
    return end();
  }
  return commit_file_changes([this, end = std::move(end)]() mutable -> Status {
    TRY(end());
    journal_active_ = false;
    return {};
  });
}

// What the database file has become since the last commit; nothing if it is no database.
Result<std::optional<ChangeSet>> Database::file_changes() {
  TRY_ASSIGN(const auto header, read_header());
  const TableState& state = history_->state();
  auto& database = file(FileKind::kDatabase);
  if (!database) return std::nullopt;
  TRY_ASSIGN(const auto info, database->info());
  if (info.bytes == 0 && state.commit != 0) {  // emptied: as good as dropped
    ChangeSet set;
    set.page_size = *PageSize::of(state.page_bytes);
    set.every_page = true;
    return set;
  }
  if (!header) return std::nullopt;
  const uint32_t pages = header->pages(info.bytes);
  // A backup of an empty database leaves a single page that is cut short; zeros follow.
  const bool is_whole = pages == 1 || uint64_t{pages} * header->page_size.bytes() <= info.bytes;
  if (pages == 0 || !is_whole) return std::nullopt;
  return rollback_.changes(history_->table(), *header, info.bytes);
}

Database::Outcome Database::commit_file_changes(std::move_only_function<Status()> make_visible) {
  auto staged = stage_file_changes();
  if (!staged) return std::unexpected(std::move(staged).error());
  staged_ = *staged;
  if (staged_) {
    auto decision = confirm_file_changes();
    if (!decision) {
      staged_.reset();
      if (auto gone = history_->abandon(); !gone) return gone;
      return std::unexpected(std::move(decision).error());
    }
    if (*decision == CommitGate::Decision::kHold) {
      return hold({0, {}, {}, std::move(make_visible), {}});
    }
  }
  return finish_file_commit(make_visible);
}

Result<std::optional<Transaction>> Database::stage_file_changes() {
  TRY_ASSIGN(auto changes, file_changes());
  file_is_whole_ = changes.has_value();
  if (!changes) return std::nullopt;
  FilePages pages(*file(FileKind::kDatabase), changes->page_size, scratch_);
  TRY_ASSIGN(auto staged, history_->stage(*changes, pages, stamp()));
  if (!staged) return std::nullopt;
  staged->images =
      images(*changes, pages, [this](PageNo pgno) { return before_images_.find(pgno); });
  return staged;
}

Result<CommitGate::Decision> Database::confirm_file_changes() {
  TRY(env_.gate.may_write(*this));
  if (file_synced_) {
    const os::BlockingScope blocking;
    TRY(history_->sync_staged());
  }
  return env_.gate.may_commit(*this, *staged_);
}

Status Database::finish_file_commit(std::move_only_function<Status()>& make_visible) {
  auto visible = make_visible();
  if (!visible) {
    if (staged_) (void)history_->abandon();
    staged_.reset();
    return visible;
  }
  const Status acknowledged = staged_ ? env_.gate.may_acknowledge(*this) : Status{};
  if (staged_) publish();
  before_images_.clear();
  // A file that is no database yet, or no longer, or not yet a whole one, keeps its marks.
  if (file_is_whole_ || history_->state().commit == 0) rollback_.clear();
  unjournaled_ = rollback_.touched();
  if (unjournaled_) return acknowledged;
  history_->settle();
  TRY(follow_waiting_wal());
  return acknowledged;
}

Database::Outcome Database::drop(std::move_only_function<Status()> unlink) {
  if (auto allowed = env_.gate.may_write(*this); !allowed) return allowed;
  const TableState& state = history_->state();
  if (state.commit != 0) {
    ChangeSet nothing;
    nothing.page_size = *PageSize::of(state.page_bytes);
    nothing.every_page = true;
    FilePages pages(*file(FileKind::kDatabase), nothing.page_size, scratch_);
    auto staged = history_->stage(nothing, pages, stamp());
    if (!staged) return std::unexpected(std::move(staged).error());
    staged_ = *staged;
  }
  if (auto gone = unlink(); !gone) {
    if (staged_) (void)history_->abandon();
    staged_.reset();
    return gone;
  }
  detach(FileKind::kDatabase);
  rollback_.clear();
  before_images_.clear();
  unjournaled_ = foreign_ = false;
  if (staged_) publish();
  return Status{};
}

}  // namespace skerry::db
