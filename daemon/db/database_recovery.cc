// Database: opening, and making files, log and position agree after any end (RECOVERY.md).

#include <fmt/format.h>

#include "daemon/db/database_internal.h"
#include "ltx/checksum.h"
#include "ltx/decoder.h"

namespace skerry::db {

Result<std::shared_ptr<Database>> Database::open(const Environment& environment, std::string name,
                                                 std::string dir) {
  std::shared_ptr<Database> database(new Database(environment, std::move(name), std::move(dir)));
  if (auto recovered = database->recover(); !recovered) {
    return std::unexpected(recovered.error().within("database " + database->name_));
  }
  return database;
}

Status Database::recover() {
  auto table = PageChecksums::open(env_.fs, dir_ + "/checksums");
  if (!table && table.error().code() == Errc::kCorrupt) {
    recovery_.rebuilt_table = true;
    recovery_.notes.push_back(table.error().message() + "; it is built anew");
    table = PageChecksums::create(env_.fs, dir_ + "/checksums");
  }
  TRY(table);
  const TableState& saved = (*table)->state();
  TRY_ASSIGN(auto log,
             CommitLog::open(env_.fs, dir_ + "/log", {saved.log_offset, saved.position.txid}));
  history_ = std::make_unique<History>(std::move(*table), std::move(log));
  TRY(attach_files());
  TRY(load_journal());
  recovery_.clean = history_->state().clean;
  TRY(settle_log());
  TRY(resume_wal());
  TRY(derive_commits());
  rollback_.load(history_->table());
  TRY(notice_file_changes());
  TableState state = history_->state();
  state.clean = false;
  state.boot_id = current_boot_id();
  history_->table().save(state);
  return {};
}

Status Database::attach_files() {
  for (const FileKind kind : kFileKinds) {
    auto opened = env_.fs.open(os::Site("recovery:open"), path(kind), os::OpenMode::kReadWrite);
    if (opened) {
      attach(kind, std::move(*opened));
    } else if (opened.error().code() != Errc::kNotFound) {
      return std::unexpected(std::move(opened).error());
    }
  }
  return {};
}

// Records past the table's position: the process ended between writing the record and saving the
// position. Was the transaction made visible in between?
Status Database::settle_log() {
  CommitLog& log = history_->log();
  for (;;) {
    const Position position = history_->position();
    if (log.last() <= position.txid) return {};
    const auto record = log.find(next(position.txid));
    if (!record) {
      recovery_.notes.push_back("the commit log begins after the position; it is started anew");
      return log.reset();
    }
    TRY_ASSIGN(const Bytes ltx, record->segment->read_ltx(record->place));
    ltx::MemorySource source(ltx);
    const auto verified = ltx::verify(source);
    bool committed = false;
    if (verified && verified->header.pre_apply_position() == position) {
      TRY_ASSIGN(committed, is_committed(verified->header));
    }
    if (!committed) {
      recovery_.dropped_records += 1;
      return log.drop_after(position.txid);
    }
    TRY(adopt_record(ltx, record->place.offset));
    recovery_.adopted_records += 1;
  }
}

// A WAL transaction counts if the chain of frames reaches its end; one of the database file if its
// journal is no longer in force.
Result<bool> Database::is_committed(const ltx::Header& header) {
  if (header.wal_bytes == 0) return !journal_active_;
  if (!file(FileKind::kWal)) return false;
  std::array<std::byte, sqlite::kWalHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, file(FileKind::kWal)->read_at(os::Site("recovery:wal"), 0, raw));
  const auto wal_header = sqlite::decode_wal_header(ByteView(raw).first(n));
  if (!wal_header || wal_header->salt != sqlite::WalSalt{header.wal_salt1, header.wal_salt2}) {
    return false;
  }
  WalCapture probe;
  probe.attach(file(FileKind::kWal).get());
  const TableState& state = history_->state();
  const uint64_t end = header.wal_offset + header.wal_bytes;
  const bool same = state.wal_salt == wal_header->salt;
  probe.resume(*wal_header,
               same ? state.wal_end : sqlite::WalEnd{0, wal_header->checksum, wal_header->checksum},
               end);
  for (;;) {
    TRY_ASSIGN(const auto effect, probe.scan());
    if (effect != WalCapture::Effect::kCompletes) return false;
    probe.commit();
    if (probe.chain().offset_after(probe.chain().end().frames) == end) {
      adopted_end_ = probe.chain().end();
      return true;
    }
  }
}

// Brings the table up to a record of the log that is committed.
Status Database::adopt_record(ByteView ltx, uint64_t log_offset) {
  ltx::MemorySource source(ltx);
  ltx::Decoder decoder(source);
  TRY_ASSIGN(const ltx::Header header, decoder.header());
  PageChecksums& table = history_->table();
  TableState state = history_->state();
  TRY(table.reserve(header.commit));
  const bool other_size = state.page_bytes != header.page_size.bytes();
  if (header.commit < state.commit || other_size) {
    table.truncate(other_size ? 0 : header.commit, state.commit);
  }
  for (;;) {
    const ByteSpan page = ByteSpan(scratch_).first(header.page_size.bytes());
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
    table.set(*pgno, ltx::page_checksum(*pgno, page));
  }
  TRY_ASSIGN(const ltx::Trailer trailer, decoder.finish());
  state.position = {header.max_txid, trailer.post_apply_checksum};
  state.epoch = std::max(state.epoch, header.epoch);
  state.timestamp_ms = header.timestamp_ms;
  state.commit = header.commit;
  state.page_bytes = header.page_size.bytes();
  state.log_offset = log_offset;
  if (header.wal_bytes != 0) {
    state.wal_salt = {header.wal_salt1, header.wal_salt2};
    state.wal_end = adopted_end_;
  }
  table.save(state);
  return {};
}

Status Database::resume_wal() {
  auto& wal = file(FileKind::kWal);
  if (!wal) return {};
  std::array<std::byte, sqlite::kWalHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, wal->read_at(os::Site("recovery:wal"), 0, raw));
  TRY_ASSIGN(const auto info, wal->info());
  const auto header = sqlite::decode_wal_header(ByteView(raw).first(n));
  if (!header) return {};
  const TableState& state = history_->state();
  const bool same = state.wal_salt == header->salt;
  wal_.resume(*header, same ? state.wal_end : sqlite::WalEnd{0, header->checksum, header->checksum},
              info.bytes);
  return {};
}

// Commits that the WAL holds and the log does not: it was written, but this process did not get to
// recording it, or the log's end was lost in a power cut.
Status Database::derive_commits() {
  if (!wal_.chain().header()) return {};
  for (;;) {
    TRY_ASSIGN(const auto effect, wal_.scan());
    if (effect != WalCapture::Effect::kCompletes) return {};
    TRY_ASSIGN(auto changes, wal_.changes(history_->state().commit));
    WalPages pages(wal_, file(FileKind::kDatabase).get(), changes.page_size, scratch_);
    TRY_ASSIGN(const auto staged, history_->stage(changes, pages, stamp()));
    wal_.commit();
    if (staged) {
      history_->publish();
      recovery_.derived_commits += 1;
    } else {
      history_->note_wal(*wal_.salt(), wal_.chain().end());
    }
  }
}

// A database file that is not what the table says, with no journal that explains it.
Status Database::notice_file_changes() {
  if (wal_.has_frames() || journal_active_ || !file(FileKind::kDatabase)) return {};
  TRY_ASSIGN(const auto header, read_header());
  if (!header) return {};
  TRY_ASSIGN(const auto info, file(FileKind::kDatabase)->info());
  const TableState& state = history_->state();
  unjournaled_ = rollback_.touched() || header->pages(info.bytes) != state.commit ||
                 header->page_size.bytes() != state.page_bytes;
  return {};
}

}  // namespace skerry::db
