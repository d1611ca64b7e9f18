#include "daemon/db/power_cut.h"

#include <fmt/format.h>

#include <limits>

#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/sqlite/journal_reader.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::db {
namespace {

constexpr uint32_t kAllPages = std::numeric_limits<uint32_t>::max();

// A file for the journal's reader.
class JournalFile final : public ltx::RandomAccess {
 public:
  explicit JournalFile(os::File& file) : file_(file) {}

  Result<uint64_t> size() override {
    TRY_ASSIGN(const auto info, file_.info());
    return info.bytes;
  }
  Status read_at(uint64_t offset, ByteSpan into) override {
    TRY_ASSIGN(const size_t n, file_.read_at(os::Site("recovery:journal:read"), offset, into));
    if (n == into.size()) return {};
    return fail(Errc::kCorrupt, "the journal ends before its record does");
  }

 private:
  os::File& file_;
};

}  // namespace

Status Database::PowerCut::recover() {
  saved_ = db_.history_->state();
  TRY(roll_back_journal());
  TRY(read_wal());
  TRY(find_base());
  TRY(replay_log());
  TRY_ASSIGN(View view, find_view());
  const bool same_size = view.commit == 0 || newest_page_bytes() == view.page_bytes;
  if (table_is_proven() && same_size) {
    TRY_ASSIGN(view.checksum, sum_touched(view));
    TRY(decide_proven(view));
  } else {
    TRY_ASSIGN(view.checksum, scan(view));
    db_.recovery_.rebuilt_table = true;
    TRY(decide_scanned(view));
  }
  return sync_everything();
}

Status Database::PowerCut::adopt(const LitefsState& litefs) {
  TRY(roll_back_journal());
  TRY(read_wal());
  saved_.position.txid = replayed_from_ = litefs.txid;
  if (litefs.header) {
    const ltx::Header& header = *litefs.header;
    points_.push_back({{litefs.txid, litefs.post_apply},
                       header.commit,
                       header.page_size.bytes(),
                       header.timestamp_ms,
                       header.epoch,
                       {header.wal_salt1, header.wal_salt2},
                       header.wal_offset + header.wal_bytes});
  }
  TRY_ASSIGN(View view, find_view());
  TRY_ASSIGN(view.checksum, scan(view));
  TRY(decide_scanned(view));
  return sync_everything();
}

Status Database::PowerCut::sync_everything() {
  TRY(log().sync());
  TRY(db_.sync_files());
  TRY(table().sync());
  TableState state = db_.history_->state();
  state.synced_txid = state.position.txid;
  table().save(state);
  return table().sync();
}

// As SQLite would, when it opens the database the next time.
Status Database::PowerCut::roll_back_journal() {
  auto& journal = db_.file(FileKind::kJournal);
  if (!journal || !db_.journal_active_) return {};
  TRY_ASSIGN(const bool committed, super_journal_is_gone());
  JournalFile file(*journal);
  TRY_ASSIGN(auto reader, sqlite::JournalReader::open(file, sqlite::JournalUse::kHot));
  auto& database = db_.file(FileKind::kDatabase);
  if (reader && database && !committed) {
    const PageSize page_size = reader->header().page_size;
    const ByteSpan page = ByteSpan(db_.scratch_).first(page_size.bytes());
    for (;;) {
      TRY_ASSIGN(const auto pgno, reader->next(page));
      if (!pgno) break;
      touched_.insert(*pgno);
      TRY(database->write_at(os::Site("recovery:journal:restore"), page_offset(*pgno, page_size),
                             page));
    }
    TRY(database->truncate(os::Site("recovery:journal:truncate"),
                           uint64_t{reader->header().database_pages} * page_size.bytes()));
    TRY(database->sync(os::Site("recovery:journal:sync")));
    db_.recovery_.notes.push_back("an unfinished transaction was rolled back from its journal");
  }
  TRY(journal->truncate(os::Site("recovery:journal:end"), 0));
  TRY(journal->sync(os::Site("recovery:journal:end")));
  db_.journal_active_ = false;
  return {};
}

// A transaction over several databases has committed once its super-journal is removed; this
// database's journal then only remains.
Result<bool> Database::PowerCut::super_journal_is_gone() {
  constexpr size_t kSuffixBytes = 12;  // "-mj" and nine characters
  JournalFile file(*db_.file(FileKind::kJournal));
  TRY_ASSIGN(const auto path, sqlite::super_journal_name(file));
  if (!path) return false;
  const std::string name = path->substr(path->rfind('/') + 1);
  if (name.size() <= kSuffixBytes) return false;
  const std::string owner = name.substr(0, name.size() - kSuffixBytes);
  const std::string suffix = name.substr(name.size() - kSuffixBytes + 1);
  const std::string folder = db_.dir_.substr(0, db_.dir_.rfind('/'));
  return !os::exists(db_.env_.fs, fmt::format("{}/{}/{}", folder, owner, suffix));
}

// Every commit that the WAL still holds.
Status Database::PowerCut::read_wal() {
  auto& wal = db_.file(FileKind::kWal);
  if (!wal) return {};
  std::array<std::byte, sqlite::kWalHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, wal->read_at(os::Site("recovery:wal"), 0, raw));
  const auto header = sqlite::decode_wal_header(ByteView(raw).first(n));
  if (!header) return {};
  TRY_ASSIGN(const auto info, wal->info());
  db_.wal_.resume(*header, {0, header->checksum, header->checksum}, info.bytes);
  for (;;) {
    TRY_ASSIGN(const auto effect, db_.wal_.scan());
    if (effect != WalCapture::Effect::kCompletes) break;
    for (const uint32_t pgno : db_.wal_.chain().tail()) touched_.insert(PageNo(pgno));
    db_.wal_.commit();
    wal_ends_.push_back(db_.wal_.chain().end());
  }
  return index_wal();
}

Status Database::PowerCut::index_wal() {
  frames_.clear();
  for (bool complete = false; !complete;) {
    TRY_ASSIGN(complete, frames_.advance(db_.wal_, *db_.file(FileKind::kWal)));
  }
  return {};
}

Status Database::PowerCut::resume_wal(sqlite::WalEnd end) {
  const sqlite::WalHeader header = *db_.wal_.chain().header();
  TRY_ASSIGN(const auto info, db_.file(FileKind::kWal)->info());
  db_.wal_.resume(header, end, info.bytes);
  db_.history_->note_wal(header.salt, end);
  return {};
}

Result<Database::PowerCut::View> Database::PowerCut::find_view() {
  const uint32_t frames = db_.wal_.chain().end().frames;
  View view;
  if (frames != 0) {
    TRY_ASSIGN(view.commit, db_.committed_pages_at(frames));
    page_size_ = db_.wal_.chain().header()->page_size;
    view.page_bytes = page_size_.bytes();
    return view;
  }
  TRY_ASSIGN(const auto header, db_.read_header());
  if (!header) return view;
  TRY_ASSIGN(const auto info, db_.file(FileKind::kDatabase)->info());
  view.commit = header->pages(info.bytes);
  page_size_ = header->page_size;
  view.page_bytes = page_size_.bytes();
  return view;
}

Result<Checksum> Database::PowerCut::sum_page(PageNo pgno) {
  WalPages pages(db_.wal_, db_.file(FileKind::kDatabase).get(), page_size_, db_.scratch_);
  TRY_ASSIGN(const ByteView page, pages.read({pgno, frames_.frame_of(pgno)}));
  return ltx::page_checksum(pgno, page);
}

// The state that the table stood at when it was last synced.
Status Database::PowerCut::find_base() {
  replayed_from_ = saved_.synced_txid;
  const Txid oldest = log().oldest();
  if (replayed_from_ == Txid(0) && oldest > Txid(1)) {  // the table is lost
    replayed_from_ = Txid(oldest.value() - 1);
    return {};
  }
  if (replayed_from_ == Txid(0)) {
    table().truncate(0, kAllPages);
    points_.push_back({});
    return {};
  }
  if (saved_.position.txid == replayed_from_) {
    points_.push_back(saved_point());
    return {};
  }
  TRY_ASSIGN(const auto stored, log().stored(replayed_from_));
  if (!stored || stored->last() != replayed_from_) return {};
  const auto header = stored->header();
  const auto trailer = stored->trailer();
  if (!header || !trailer) return {};
  points_.push_back({{header->max_txid, trailer->post_apply_checksum},
                     header->commit,
                     header->page_size.bytes(),
                     header->timestamp_ms,
                     header->epoch,
                     {},
                     0});
  return {};
}

Database::PowerCut::Point Database::PowerCut::saved_point() const {
  return {
      saved_.position, saved_.commit, saved_.page_bytes, saved_.timestamp_ms, saved_.epoch, {}, 0};
}

// Brings the table's entries to the end of the log, and cuts off what is damaged there.
Status Database::PowerCut::replay_log() {
  for (const PageNo pgno : table().dirty_pages(kAllPages)) {
    table().set(pgno, table().get(pgno));
    touched_.insert(pgno);
  }
  Txid last = replayed_from_;
  for (;;) {
    TRY_ASSIGN(const auto stored, log().stored(next(last)));
    if (!stored) break;
    StoredLtxSource source(*stored);
    const auto verified = ltx::verify(source);
    if (!verified) break;
    if (!points_.empty() && verified->header.pre_apply_position() != newest().position &&
        !verified->header.is_snapshot()) {
      break;
    }
    TRY_ASSIGN(const Point point, replay(*stored));
    points_.push_back(point);
    last = stored->last();
  }
  if (log().last() <= last) return {};
  db_.recovery_.dropped_records += 1;
  return log().drop_after(last);
}

Result<Database::PowerCut::Point> Database::PowerCut::replay(const StoredLtx& stored) {
  StoredLtxSource source(stored);
  ltx::Decoder decoder(source);
  TRY_ASSIGN(const ltx::Header header, decoder.header());
  const uint32_t before = points_.empty() ? saved_.commit : newest().commit;
  const bool other_size = !points_.empty() && newest().page_bytes != header.page_size.bytes();
  TRY(table().reserve(header.commit));
  table().truncate(other_size ? 0 : header.commit, kAllPages);
  for (uint32_t p = std::min(before, header.commit) + 1; p <= std::max(before, header.commit);
       ++p) {
    touched_.insert(PageNo(p));
  }
  const ByteSpan page = ByteSpan(db_.scratch_).first(header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
    table().set(*pgno, ltx::page_checksum(*pgno, page));
    touched_.insert(*pgno);
  }
  TRY_ASSIGN(const ltx::Trailer trailer, decoder.finish());
  return Point{{header.max_txid, trailer.post_apply_checksum},
               header.commit,
               header.page_size.bytes(),
               header.timestamp_ms,
               header.epoch,
               {header.wal_salt1, header.wal_salt2},
               header.wal_offset + header.wal_bytes};
}

bool Database::PowerCut::table_is_proven() const {
  if (points_.empty()) return false;
  if (newest().page_bytes == 0) return true;
  return table().total(newest().commit) == newest().position.checksum;
}

// The files' checksum, from the table's and the pages that may differ from it.
Result<Checksum> Database::PowerCut::sum_touched(const View& view) {
  const uint32_t known = newest().commit;
  for (uint32_t p = std::min(view.commit, known) + 1; p <= std::max(view.commit, known); ++p) {
    touched_.insert(PageNo(p));
  }
  if (view.commit == 0) return kEmptyChecksum;
  const PageNo lock_page = sqlite::lock_page(*PageSize::of(view.page_bytes));
  uint64_t sum = newest().page_bytes == 0 ? 0 : newest().position.checksum.value();
  for (PageNo p = touched_.first_from(PageNo(1)); p != PageNo(0);
       p = touched_.first_from(next(p))) {
    if (p == lock_page) continue;
    if (p.value() <= known) sum ^= table().get(p).value();
    if (p.value() > view.commit) continue;
    TRY_ASSIGN(const Checksum checksum, sum_page(p));
    sum ^= checksum.value();
  }
  return Checksum(sum | kChecksumFlag);
}

// The same from all pages; the table is then what the files hold.
Result<Checksum> Database::PowerCut::scan(const View& view) {
  table().truncate(0, kAllPages);
  if (view.commit == 0) return kEmptyChecksum;
  TRY(table().reserve(view.commit));
  const PageNo lock_page = sqlite::lock_page(*PageSize::of(view.page_bytes));
  for (uint32_t p = 1; p <= view.commit; ++p) {
    if (PageNo(p) == lock_page) continue;
    TRY_ASSIGN(const Checksum checksum, sum_page(PageNo(p)));
    table().set(PageNo(p), checksum);
  }
  return table().total(view.commit);
}

const Database::PowerCut::Point* Database::PowerCut::find_point(const View& view) const {
  for (auto point = points_.rbegin(); point != points_.rend(); ++point) {
    if (point->commit != view.commit) continue;
    if (view.commit == 0 ||
        (point->position.checksum == view.checksum && point->page_bytes == view.page_bytes)) {
      return &*point;
    }
  }
  return nullptr;
}

// What the table said before, which it may have reached on disk when the log did not.
bool Database::PowerCut::is_saved(const View& view) const {
  return saved_.position.checksum == view.checksum && saved_.commit == view.commit &&
         saved_.page_bytes == view.page_bytes && saved_.position.txid > newest_txid();
}

Status Database::PowerCut::decide_known(const Point& found, bool table_is_behind) {
  const Txid from = found.position.txid;
  TRY(save(newest()));
  return from == newest_txid() ? Status() : bring_forward(from, table_is_behind);
}

// The table stands at the log's end.
Status Database::PowerCut::decide_proven(const View& view) {
  if (const Point* found = find_point(view)) return decide_known(*found, false);
  const bool unknown_past = newest_txid() == Txid(0) && saved_.position.txid != Txid(0);
  if (!unknown_past && db_.wal_.has_frames()) {
    TRY(save(newest()));
    // Frames of a WAL are whole or not there at all: this is what was committed after the log's
    // end. Recovery goes on by taking it from there, commit by commit.
    if (const auto end = end_of_newest()) return resume_wal(*end);
  }
  if (is_saved(view) || unknown_past) {
    TRY(scan(view));
    return is_saved(view) ? adopt_saved() : begin_anew(view);
  }
  if (db_.wal_.has_frames()) return fold_ahead(view);
  // What is in the database file is a mixture that never was.
  TRY(save(newest()));
  return bring_forward(replayed_from_, false);
}

// The table stands at what the files hold.
Status Database::PowerCut::decide_scanned(const View& view) {
  if (const Point* found = find_point(view)) return decide_known(*found, true);
  if (db_.wal_.has_frames() && newest_txid() != Txid(0)) {
    TRY_ASSIGN(const bool went_back, go_back_to_newest(view));
    if (went_back) return {};
  }
  if (is_saved(view)) return adopt_saved();
  if (!points_.empty() && !db_.wal_.has_frames()) {
    for (Txid txid = next(replayed_from_); txid <= newest_txid();) {
      TRY_ASSIGN(const auto stored, log().stored(txid));
      if (!stored) break;
      TRY_ASSIGN(const Point at, replay(*stored));
      txid = next(at.position.txid);
    }
    if (table_is_proven()) {
      TRY(save(newest()));
      return bring_forward(replayed_from_, false);
    }
    TRY(scan(view));
  }
  return begin_anew(view);
}

// Does the WAL, cut off where the log's last transaction ends, give that transaction's state? Then
// recovery goes on from there, commit by commit.
Result<bool> Database::PowerCut::go_back_to_newest(const View& view) {
  const sqlite::WalEnd whole = db_.wal_.chain().end();
  const auto end = end_of_newest();
  if (!end || newest_page_bytes() != view.page_bytes) return false;
  const auto scan_at = [&](sqlite::WalEnd at, uint32_t commit) -> Status {
    TRY(resume_wal(at));
    TRY(index_wal());
    TRY(scan({commit, view.page_bytes, {}}));
    return {};
  };
  TRY(scan_at(*end, newest().commit));
  if (table_is_proven()) {
    TRY(save(newest()));
    return true;
  }
  TRY(scan_at(whole, view.commit));
  return false;
}

Status Database::PowerCut::adopt_saved() {
  db_.recovery_.notes.push_back("the end of the commit log was lost, but nothing of the data");
  TRY(log().reset());
  points_.push_back(saved_point());
  return save(newest());
}

// Where in the WAL the log's last transaction ends, if it was captured here: in this generation of
// the WAL, or before it began.
std::optional<sqlite::WalEnd> Database::PowerCut::end_of_newest() {
  const sqlite::WalHeader& header = *db_.wal_.chain().header();
  if (newest().wal_end == 0 || newest().wal_salt != header.salt) {
    const auto record = log().find(newest_txid());
    if (record && (record->place.head.flags & RecordHead::kReplicated) != 0) return std::nullopt;
    return sqlite::WalEnd{0, header.checksum, header.checksum};
  }
  for (const sqlite::WalEnd& end : wal_ends_) {
    if (sqlite::wal_frame_offset(end.frames + 1, header.page_size) == newest().wal_end) return end;
  }
  return std::nullopt;
}

// Whatever the WAL brought after the log's end becomes one transaction.
Status Database::PowerCut::fold_ahead(const View& view) {
  TRY(save(newest()));
  ChangeSet set;
  set.page_size = page_size_;
  set.commit = view.commit;
  const PageNo lock_page = sqlite::lock_page(page_size_);
  for (PageNo p = touched_.first_from(PageNo(1)); p != PageNo(0) && p.value() <= view.commit;
       p = touched_.first_from(next(p))) {
    if (p != lock_page) set.changes.push_back({p, frames_.frame_of(p)});
  }
  WalPages pages(db_.wal_, db_.file(FileKind::kDatabase).get(), page_size_, db_.scratch_);
  TRY_ASSIGN(const auto staged, db_.history_->stage(set, pages, db_.stamp()));
  if (staged) db_.history_->publish();
  db_.recovery_.derived_commits += 1;
  return {};
}

// Writes the log's records after `from` into the database file.
Status Database::PowerCut::bring_forward(Txid from, bool table_is_behind) {
  TRY(log().sync());
  if (newest().commit == 0) return drop_files();
  TRY(settle_wal_into_file());
  auto& database = db_.file(FileKind::kDatabase);
  if (!database) {
    TRY_ASSIGN(auto created,
               db_.env_.fs.open(os::Site("recovery:forward:create"), db_.path(FileKind::kDatabase),
                                os::OpenMode::kCreate));
    db_.attach(FileKind::kDatabase, std::move(created));
  }
  for (Txid txid = next(from); txid <= newest_txid();) {
    TRY_ASSIGN(const auto stored, log().stored(txid));
    if (!stored) return fail(Errc::kCorrupt, "the commit log changed while it was replayed");
    TRY(write_pages(*stored));
    if (table_is_behind) TRY(replay(*stored));
    txid = next(stored->last());
    db_.recovery_.reapplied_records += 1;
  }
  TRY(database->truncate(os::Site("recovery:forward:truncate"),
                         uint64_t{newest().commit} * newest().page_bytes));
  TRY(database->sync(os::Site("recovery:forward:sync")));
  TRY(db_.env_.fs.sync_directory(os::Site("recovery:forward:sync"), db_.dir_));
  auto& wal = db_.file(FileKind::kWal);
  if (wal) {
    TRY(wal->truncate(os::Site("recovery:forward:wal"), 0));
    TRY(wal->sync(os::Site("recovery:forward:wal")));
  }
  db_.wal_.restart(std::nullopt);
  return {};
}

Status Database::PowerCut::settle_wal_into_file() {
  const auto& header = db_.wal_.chain().header();
  auto& database = db_.file(FileKind::kDatabase);
  if (!db_.wal_.has_frames() || !database) return {};
  for (PageNo p = touched_.first_from(PageNo(1)); p != PageNo(0);
       p = touched_.first_from(next(p))) {
    const uint32_t frame = frames_.frame_of(p);
    if (frame == 0) continue;
    TRY_ASSIGN(const ByteView page, db_.wal_.read_frame(frame, db_.scratch_));
    TRY(database->write_at(os::Site("recovery:forward:checkpoint"),
                           page_offset(p, header->page_size), page));
  }
  return {};
}

Status Database::PowerCut::write_pages(const StoredLtx& stored) {
  StoredLtxSource source(stored);
  ltx::Decoder decoder(source);
  TRY_ASSIGN(const ltx::Header header, decoder.header());
  const ByteSpan page = ByteSpan(db_.scratch_).first(header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) return {};
    TRY(db_.file(FileKind::kDatabase)
            ->write_at(os::Site("recovery:forward:write"), page_offset(*pgno, header.page_size),
                       page));
  }
}

// The log ends in the removal of the database.
Status Database::PowerCut::drop_files() {
  for (const FileKind kind : {FileKind::kDatabase, FileKind::kJournal, FileKind::kWal}) {
    if (!db_.file(kind)) continue;
    TRY(os::remove_if_exists(db_.env_.fs, os::Site("recovery:forward:drop"), db_.path(kind)));
    db_.detach(kind);
  }
  db_.recovery_.reapplied_records += 1;
  return db_.env_.fs.sync_directory(os::Site("recovery:forward:sync"), db_.dir_);
}

// Neither log nor table explain what the files hold. SQLite shows it to whoever opens them, so it
// is the database; but nothing of before leads to it.
Status Database::PowerCut::begin_anew(const View& view) {
  const Txid last = std::max(saved_.position.txid, newest_txid());
  TRY(log().reset());
  db_.recovery_.notes.push_back(fmt::format(
      "what the files hold is neither in the commit log nor in the page-checksum table; it became "
      "transaction {}, and the log is started anew. Check it with PRAGMA integrity_check; replicas "
      "fetch what differs",
      to_string(next(last))));
  points_.push_back({{next(last), view.checksum},
                     view.commit,
                     view.page_bytes != 0 ? view.page_bytes : saved_.page_bytes,
                     db_.env_.clock.wall_ms(),
                     saved_.epoch,
                     {},
                     0});
  return save(newest());
}

Status Database::PowerCut::save(const Point& point) {
  TableState state = db_.history_->state();
  state.position = point.position;
  state.commit = point.commit;
  state.page_bytes = point.page_bytes;
  state.timestamp_ms = point.timestamp_ms;
  state.epoch = std::max(state.epoch, point.epoch);
  const auto record = log().find(point.position.txid);
  state.log_offset = record ? record->place.offset : 0;
  if (const auto& header = db_.wal_.chain().header()) {
    state.wal_salt = header->salt;
    state.wal_end = db_.wal_.chain().end();
  }
  table().save(state);
  return {};
}

}  // namespace skerry::db
