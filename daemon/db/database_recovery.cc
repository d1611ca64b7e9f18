// Database: opening, and making files, log and position agree after any end (RECOVERY.md).

#include <fmt/format.h>

#include "daemon/db/power_cut.h"
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
  TRY_ASSIGN(auto log, CommitLog::open(env_.fs, dir_, {saved.log_offset, saved.position.txid}));
  history_ = std::make_unique<History>(std::move(*table), std::move(log));
  if (history_->state().image_pending) TRY(finish_image());
  TRY(attach_files());
  TRY(load_journal());
  recovery_.clean = history_->state().clean;
  recovery_.power_cut = ended_by_power_cut();
  if (recovery_.power_cut) TRY(PowerCut(*this).recover());
  TRY(adopt_litefs_folder());
  TRY(settle_log());
  TRY(resume_wal());
  TRY(derive_commits());
  rollback_.load(history_->table());
  TRY(notice_file_changes());
  TableState state = history_->state();
  const bool must_tell = state.clean || state.boot_id != env_.boot_id;
  state.clean = false;
  state.boot_id = env_.boot_id;
  history_->table().save(state);
  // From here on the table is not to be trusted after a power cut; that must be on disk first.
  return must_tell ? history_->table().sync() : Status();
}

// Or the table that would tell is damaged.
bool Database::ended_by_power_cut() const {
  const TableState& state = history_->state();
  if (history_->log().oldest() == Txid(0) && state.page_bytes == 0) return false;
  return recovery_.rebuilt_table || (!state.clean && state.boot_id != env_.boot_id);
}

// On the first start over a folder of LiteFS's.
Status Database::adopt_litefs_folder() {
  TRY_ASSIGN(const auto litefs, read_litefs_state(env_.fs, dir_));
  if (!litefs) return {};
  const TableState& state = history_->state();
  if (state.position.txid == Txid(0) && history_->log().oldest() == Txid(0)) {
    TRY(PowerCut(*this).adopt(*litefs));
    recovery_.notes.push_back(
        fmt::format("taken over from LiteFS at its transaction {}", to_string(litefs->txid)));
  }
  TRY_ASSIGN(const std::string aside, set_aside_litefs_files(env_.fs, dir_, litefs->txid));
  recovery_.notes.push_back(
      fmt::format("LiteFS's {} transaction files are no longer needed; they are kept in {} until "
                  "you remove them",
                  litefs->files, aside));
  return {};
}

// The table is the image's already; the rest follows, as often as it takes.
Status Database::finish_image() {
  const std::string image = fmt::format("{}/{}", dir_, kImagePagesName);
  TRY(history_->log().reset());
  for (const FileKind kind : {FileKind::kJournal, FileKind::kWal, FileKind::kShm}) {
    detach(kind);
    TRY(os::remove_if_exists(env_.fs, os::Site("image:remove"), path(kind)));
  }
  if (os::exists(env_.fs, image)) {
    TRY(env_.fs.rename(os::Site("image:rename"), image, path(FileKind::kDatabase)));
  }
  TRY(env_.fs.sync_directory(os::Site("image:sync-directory"), dir_));
  TRY_ASSIGN(auto opened, env_.fs.open(os::Site("image:open"), path(FileKind::kDatabase),
                                       os::OpenMode::kReadWrite));
  detach(FileKind::kDatabase);
  attach(FileKind::kDatabase, std::move(opened));
  rollback_.clear();
  unjournaled_ = foreign_ = journal_active_ = must_redo_ = false;
  TableState state = history_->state();
  state.image_pending = false;
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
    TRY_ASSIGN(auto stored, record->segment->stored(record->place));
    StoredLtxSource source(std::move(stored));
    const auto verified = ltx::verify(source);
    if (!verified || verified->header.pre_apply_position() != position) {
      recovery_.dropped_records += 1;
      return log.drop_after(position.txid);
    }
    TRY_ASSIGN(const Settled settled, settle_record(*verified, *record));
    switch (settled) {
      case Settled::kDone:
        TRY(adopt_record(*record));
        recovery_.adopted_records += 1;
        break;
      case Settled::kRedone:
        TRY(adopt_record(*record));
        recovery_.reapplied_records += 1;
        break;
      case Settled::kDropped:
        recovery_.dropped_records += 1;
        return log.drop_after(position.txid);
      case Settled::kLeft:
        must_redo_ = true;
        return {};
    }
  }
}

Result<Database::Settled> Database::settle_record(const ltx::Verified& verified,
                                                  const CommitLog::Found& record) {
  const uint32_t flags = record.place.head.flags;
  if ((flags & RecordHead::kInPlace) != 0) {
    TRY(redo_in_place(record));
    return Settled::kRedone;
  }
  const bool replicated = (flags & RecordHead::kReplicated) != 0;
  const bool brought = replicated || (flags & RecordHead::kImport) != 0;
  TRY_ASSIGN(const bool committed,
             brought ? shows_brought(verified) : is_committed(verified.header));
  if (committed) return Settled::kDone;
  // Written through the mount, once that is served again.
  return replicated ? Settled::kLeft : Settled::kDropped;
}

Result<std::optional<sqlite::WalHeader>> Database::read_wal_header() {
  auto& wal = file(FileKind::kWal);
  if (!wal) return std::nullopt;
  std::array<std::byte, sqlite::kWalHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, wal->read_at(os::Site("recovery:wal"), 0, raw));
  return sqlite::decode_wal_header(ByteView(raw).first(n));
}

// The end of the WAL's frames that the position covers.
sqlite::WalEnd Database::covered_wal_end(const sqlite::WalHeader& header) const {
  const TableState& state = history_->state();
  if (state.wal_salt == header.salt) return state.wal_end;
  return {0, header.checksum, header.checksum};
}

// A WAL transaction counts if the chain of frames reaches its end; one of the database file if its
// journal is no longer in force.
Result<bool> Database::is_committed(const ltx::Header& header) {
  if (header.wal_bytes == 0) return !journal_active_;
  TRY_ASSIGN(const auto wal_header, read_wal_header());
  if (!wal_header || wal_header->salt != sqlite::WalSalt{header.wal_salt1, header.wal_salt2}) {
    return false;
  }
  WalCapture probe;
  probe.attach(file(FileKind::kWal).get());
  const uint64_t end = header.wal_offset + header.wal_bytes;
  probe.resume(*wal_header, covered_wal_end(*wal_header), end);
  for (;;) {
    TRY_ASSIGN(const auto effect, probe.scan());
    if (effect != WalCapture::Effect::kCompletes) return false;
    probe.commit();
    if (probe.chain().offset_after(probe.chain().end().frames) == end) {
      adopted_wal_ = {wal_header->salt, probe.chain().end()};
      return true;
    }
  }
}

// A transaction that was brought in (Replica) is one commit of the WAL, the next one, with a frame
// for each page. If it drops the database, nothing of that is left.
Result<bool> Database::shows_brought(const ltx::Verified& verified) {
  if (verified.header.commit == 0) {
    return !file(FileKind::kDatabase) && !file(FileKind::kWal) && !file(FileKind::kJournal);
  }
  TRY_ASSIGN(const auto wal_header, read_wal_header());
  if (!wal_header) return false;
  TRY_ASSIGN(const auto info, file(FileKind::kWal)->info());
  WalCapture probe;
  probe.attach(file(FileKind::kWal).get());
  probe.resume(*wal_header, covered_wal_end(*wal_header), info.bytes);
  TRY_ASSIGN(const auto effect, probe.scan());
  if (effect != WalCapture::Effect::kCompletes) return false;
  const sqlite::WalChain& chain = probe.chain();
  if (chain.commit_pages() != verified.header.commit || chain.tail().size() != verified.pages) {
    return false;
  }
  adopted_wal_ = {wal_header->salt, chain.commit_end()};
  return true;
}

// The database file may hold any part of the transaction.
Status Database::redo_in_place(const CommitLog::Found& record) {
  auto& database = file(FileKind::kDatabase);
  if (!database) {
    TRY_ASSIGN(auto created, env_.fs.open(os::Site("recovery:redo:create"),
                                          path(FileKind::kDatabase), os::OpenMode::kCreate));
    attach(FileKind::kDatabase, std::move(created));
  }
  TRY_ASSIGN(auto stored, record.segment->stored(record.place));
  StoredLtxSource source(std::move(stored));
  ltx::Decoder decoder(source);
  TRY_ASSIGN(const ltx::Header header, decoder.header());
  const ByteSpan page = ByteSpan(scratch_).first(header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
    TRY(database->write_at(os::Site("recovery:redo:write"), page_offset(*pgno, header.page_size),
                           page));
  }
  TRY(database->truncate(os::Site("recovery:redo:truncate"),
                         uint64_t{header.commit} * header.page_size.bytes()));
  // Frames of before do not belong to what the file is now.
  auto& wal = file(FileKind::kWal);
  if (!wal) return {};
  return wal->truncate(os::Site("recovery:redo:wal"), 0);
}

// Brings the table up to a record of the log that is committed.
Status Database::adopt_record(const CommitLog::Found& record) {
  TRY_ASSIGN(auto stored, record.segment->stored(record.place));
  StoredLtxSource source(std::move(stored));
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
  state.log_offset = record.place.offset;
  if (adopted_wal_) {
    state.wal_salt = adopted_wal_->salt;
    state.wal_end = adopted_wal_->end;
    adopted_wal_.reset();
  }
  table.save(state);
  return {};
}

Status Database::resume_wal() {
  TRY_ASSIGN(const auto header, read_wal_header());
  if (!header) return {};
  TRY_ASSIGN(const bool may_follow, may_follow_wal(*header));
  if (!may_follow) return {};
  TRY_ASSIGN(const auto info, file(FileKind::kWal)->info());
  wal_.resume(*header, covered_wal_end(*header), info.bytes);
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
  unjournaled_ = rollback_.touched();
  if (unjournaled_) return {};  // by this node's doing: which pages, is marked
  bool changed =
      header->pages(info.bytes) != state.commit || header->page_size.bytes() != state.page_bytes;
  // Whoever writes without a WAL changes the counter in the first page.
  if (!changed) {
    TRY_ASSIGN(changed, differs_from_table(PageNo(1)));
  }
  if (!changed) return {};
  unjournaled_ = true;
  if (state.commit == 0) return {};
  rollback_.wrote(history_->table(), 0, info.bytes);
  recovery_.notes.push_back(
      "the database file is not as this node left it: it was changed behind the mount, which "
      "becomes a transaction; use the mount, or \"skerry import\"");
  return {};
}

Result<bool> Database::differs_from_table(PageNo pgno) {
  const TableState& state = history_->state();
  FilePages pages(*file(FileKind::kDatabase), *PageSize::of(state.page_bytes), scratch_);
  TRY_ASSIGN(const ByteView page, pages.read({pgno, 0}));
  return ltx::page_checksum(pgno, page) != history_->table().get(pgno);
}

}  // namespace skerry::db
