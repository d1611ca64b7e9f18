// Database: writes to the database file, the rollback journal, and the commits at its end.

#include <fmt/format.h>

#include "daemon/db/database_internal.h"
#include "daemon/os/blocking.h"

namespace skerry::db {

// The first eight bytes of a rollback journal that is in force ("The SQLite database file format",
// 3); zeros once it has ended.
static constexpr std::array<std::byte, 8> kJournalMagic{
    std::byte{0xd9}, std::byte{0xd5}, std::byte{0x05}, std::byte{0xf9},
    std::byte{0x20}, std::byte{0xa1}, std::byte{0x63}, std::byte{0xd7}};
static constexpr std::array<std::byte, 8> kEndedJournal{};

Status Database::write_database(uint64_t offset, ByteView data) {
  auto& database = file(FileKind::kDatabase);
  if (wal_.has_frames()) {
    TRY(check_checkpoint_write(offset, data));
    return database->write_at(os::Site("checkpoint:write"), offset, data);
  }
  // A transaction that may no longer commit may still be rolled back from its journal.
  const bool rolls_back = journal_active_ && rollback_.touched();
  if (!rolls_back) TRY(env_.gate.may_write(*this));
  rollback_.wrote(history_->table(), offset, data.size());
  if (!journal_active_) unjournaled_ = true;
  file_synced_ = false;
  return database->write_at(os::Site("database:write"), offset, data);
}

// With frames in the WAL, only a checkpoint writes the database file.
Status Database::check_checkpoint_write(uint64_t offset, ByteView data) {
  (void)offset;
  (void)data;
  return sync_log_if_application_syncs();
}

Status Database::truncate_database(uint64_t bytes) {
  auto& database = file(FileKind::kDatabase);
  if (!wal_.has_frames()) {
    if (!(journal_active_ && rollback_.touched())) TRY(env_.gate.may_write(*this));
    rollback_.truncated(history_->table(), bytes);
    if (!journal_active_) unjournaled_ = true;
    file_synced_ = false;
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
  const uint64_t whole = uint64_t{header->pages(info.bytes)} * header->page_size.bytes();
  if (header->pages(info.bytes) == 0 || whole > info.bytes) return std::nullopt;
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
  if (!changes) return std::nullopt;
  FilePages pages(*file(FileKind::kDatabase), changes->page_size, scratch_);
  return history_->stage(*changes, pages, stamp());
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
  if (staged_) publish();
  // A file that is no database yet (or no longer) keeps its marks.
  TRY_ASSIGN(const auto header, read_header());
  if (header || history_->state().commit == 0) rollback_.clear();
  unjournaled_ = rollback_.touched();
  return {};
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
  unjournaled_ = false;
  if (staged_) publish();
  return Status{};
}

}  // namespace skerry::db
