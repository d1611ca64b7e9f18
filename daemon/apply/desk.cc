#include "daemon/apply/desk.h"

#include <fmt/format.h>

#include <thread>

#include "daemon/log/log.h"
#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::apply {

using db::FileKind;
using db::RecordHead;
using Way = db::Replica::Way;

namespace {

constexpr std::chrono::microseconds kFirstPause{50};
constexpr std::chrono::microseconds kLongestPause{2'000};
// A WAL of so many frames is reported if it cannot be started over.
constexpr uint32_t kReportedFrames = 10 * Desk::kCheckpointFrames;

// A record of the log.
class LoggedPages final : public PageRun {
 public:
  explicit LoggedPages(const db::Replica::Redo& redo) : redo_(redo) {}
  Status for_each(const Visit& visit) override {
    TRY_ASSIGN(auto stored, redo_.segment->stored(redo_.place));
    db::StoredLtxSource source(std::move(stored));
    return for_each_page(source, visit);
  }

 private:
  const db::Replica::Redo& redo_;
};

Result<db::Received> read_received(const db::Replica::Redo& redo) {
  db::Received received;
  TRY_ASSIGN(auto stored, redo.segment->stored(redo.place));
  db::StoredLtxSource source(std::move(stored));
  ltx::Decoder decoder(source);
  TRY_ASSIGN(received.header, decoder.header());
  Bytes page(received.header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
    received.pages.push_back({*pgno, ltx::page_checksum(*pgno, page)});
  }
  TRY_ASSIGN(const auto trailer, decoder.finish());
  received.post_apply = trailer.post_apply_checksum;
  received.ltx_bytes = redo.place.head.ltx_bytes;
  return received;
}

}  // namespace

Desk::Desk(Surroundings& around, std::shared_ptr<db::Database> database)
    : around_(around),
      database_(std::move(database)),
      replica_(database_),
      seat_(database_, around.mount),
      wal_writer_(seat_, replica_, around.cache),
      file_writer_(seat_, replica_, around.cache, around.clock),
      checkpoint_replica_(database_),
      checkpoint_seat_(database_, around.mount) {}

std::string Desk::file_name(FileKind kind) const {
  return database_->name() + std::string(suffix(kind));
}

bool Desk::take_turn() {
  std::unique_lock lock(turn_mutex_);
  turn_changed_.wait(lock, [this] { return !taken_ || around_.stopping; });
  if (around_.stopping) return false;
  taken_ = true;
  return true;
}

void Desk::end_turn() {
  {
    const std::lock_guard lock(turn_mutex_);
    taken_ = false;
    taken_last_ = around_.clock.now();
  }
  turn_changed_.notify_all();
}

void Desk::leave_if_idle(os::MonotonicTime idle_since) {
  const std::lock_guard lock(turn_mutex_);
  if (taken_ || half_written_ || taken_last_ > idle_since) return;
  seat_.leave();
  const std::lock_guard checkpoint_lock(checkpoint_mutex_);
  checkpoint_seat_.leave();
}

void Desk::leave() {
  std::unique_lock lock(turn_mutex_);
  turn_changed_.notify_all();
  turn_changed_.wait(lock, [this] { return !taken_; });
  seat_.leave();
  const std::lock_guard checkpoint_lock(checkpoint_mutex_);
  checkpoint_seat_.leave();
}

// Tries until it succeeds or patience ends.
Status Desk::wait_for(const Attempt& attempt, const char* what) {
  std::optional<os::MonotonicTime> deadline;
  auto pause = kFirstPause;
  for (;;) {
    TRY_ASSIGN(const bool done, attempt());
    if (done) return {};
    const auto now = around_.clock.now();
    if (!deadline) deadline = now + Applier::kPatience;
    if (around_.stopping) {
      return fail(Errc::kCancelled, fmt::format("database {}: this node ends", database_->name()));
    }
    if (now > *deadline) {
      return fail(Errc::kBusy, fmt::format("database {}: {} are held by another process; the log "
                                           "names it under apply-blocked",
                                           database_->name(), what));
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

Status Desk::check_usable() const {
  if (!half_written_) return {};
  return fail(Errc::kIo,
              fmt::format("database {}: its file stands half-written after an I/O error and is "
                          "locked; see to the disk and restart this node, which completes it",
                          database_->name()));
}

Status Desk::apply(const Work& work) {
  TRY(check_usable());
  const ltx::Header& header = work.received.header;
  if (header.commit == 0) return drop(work);
  if (!replica_.view().file) TRY(create_file());
  TRY(wait_for([this] { return seat_.connect(); }, "the database's locks"));
  const auto view = replica_.view();
  TRY_ASSIGN(const bool wal, uses_wal(replica_, view));
  if (!wal) return apply_file(work, false);
  if (header.page_size.bytes() != view.page_bytes) return apply_file(work, true);
  return apply_wal(work);
}

Status Desk::create_file() {
  TRY(replica_.create_database_file());
  forget_names();
  return {};
}

// They stand for other files now, or for files at all.
void Desk::forget_names() {
  for (const FileKind kind : db::kFileKinds) around_.cache.forget_name(file_name(kind));
}

void Desk::leave_the_mount() {
  seat_.leave();
  const std::lock_guard lock(checkpoint_mutex_);
  checkpoint_seat_.leave();
}

Status Desk::become(const ltx::Header& header, Checksum post_apply,
                    std::unique_ptr<db::PageChecksums> sums) {
  TRY(check_usable());
  leave_the_mount();
  TRY(replica_.become(header, post_apply, std::move(sums)));
  const Status done = insist("image-become", [&] { return replica_.complete_become(header); });
  forget_names();
  return done;
}

// What must not be left half done: an I/O error may pass. If it does not, the database stays locked
// until the process ends, and recovery completes it.
Status Desk::insist(const char* key, const std::function<Status()>& work) {
  constexpr int kAttempts = 20;
  constexpr std::chrono::milliseconds kPause{250};
  Status done;
  for (int i = 0; i < kAttempts; ++i) {
    done = work();
    if (done) return {};
    log::error(key, done.error().message(), {{"db", database_->name()}});
    std::this_thread::sleep_for(kPause);
  }
  half_written_ = true;
  return done;
}

// --- Into the WAL --------------------------------------------------------------------------------

Result<bool> Desk::lock_wal(std::optional<peer::ByteLock>& lock) {
  TRY_ASSIGN(const bool open, seat_.open_wal());
  if (!open) return false;
  TRY_ASSIGN(lock, seat_.lock_write());
  if (!lock) {
    const auto holder = seat_.wal_holder(sqlite::kWalWriteLock);
    if (holder) around_.obstacles.met(database_->name(), Obstacle::Kind::kWriter, *holder, 0);
    return false;
  }
  auto prepared = wal_writer_.prepare();
  if (!prepared || !*prepared) lock.reset();
  return prepared;
}

Status Desk::apply_wal(const Work& work) {
  std::optional<peer::ByteLock> lock;
  TRY(wait_for([&] { return lock_wal(lock); }, "the write lock"));
  around_.obstacles.gone(database_->name(), Obstacle::Kind::kWriter);
  const auto frames = std::max<size_t>(1, work.received.pages.size());
  TRY(wal_writer_.begin(work.received.header.page_size, frames));
  TRY(work.stage(Way::kWal, work.own ? RecordHead::kImport : RecordHead::kReplicated));
  Status done = work.own ? replica_.confirm() : Status();
  if (done) {
    done = show_in_wal(work);
    if (!done) wal_writer_.undo();
  }
  if (!done) {
    (void)replica_.abandon();
    return done;
  }
  replica_.publish_wal(wal_writer_.header(), wal_writer_.end());
  lock.reset();
  after_wal(wal_writer_.end().frames);
  return {};
}

Status Desk::show_in_wal(const Work& work) {
  const uint32_t commit = work.received.header.commit;
  if (!work.received.pages.empty()) {
    TRY(wal_writer_.write(work.pages, commit));
    return wal_writer_.show();
  }
  // A commit takes a frame, if only of a page as it is.
  class FirstPage final : public PageRun {
   public:
    explicit FirstPage(Bytes page) : page_(std::move(page)) {}
    Status for_each(const Visit& visit) override { return visit(PageNo(1), page_); }

   private:
    const Bytes page_;
  };
  Bytes page(work.received.header.page_size.bytes());
  TRY_ASSIGN(const ByteView read, replica_.page(PageNo(1), page));
  FirstPage run({read.begin(), read.end()});
  TRY(wal_writer_.write(run, commit));
  return wal_writer_.show();
}

void Desk::after_wal(uint32_t frames) {
  if (frames < checkpoint_due_at_) checkpoint_due_at_ = std::max(frames, kCheckpointFrames);
  if (wal_writer_.old_reader() && frames > kReportedFrames) {
    around_.obstacles.met(database_->name(), Obstacle::Kind::kOldSnapshot,
                          *wal_writer_.old_reader(), frames);
  }
  if (wal_writer_.not_backfilled() < kCheckpointFrames || frames < checkpoint_due_at_) return;
  checkpoint_due_at_ = frames + kCheckpointFrames;
  around_.wants_checkpoint(database_->name());
}

Status Desk::checkpoint() {
  const std::lock_guard lock(checkpoint_mutex_);
  const auto view = checkpoint_replica_.view();
  if (!view.file || !view.wal || view.wal_end.frames == 0) return {};
  TRY_ASSIGN(const bool connected, checkpoint_seat_.connect());
  if (!connected) return {};
  TRY_ASSIGN(const bool open, checkpoint_seat_.open_wal());
  if (!open) return {};
  Checkpoint checkpoint(checkpoint_seat_, checkpoint_replica_, around_.cache);
  TRY_ASSIGN(const auto outcome, checkpoint.run());
  const bool grows = outcome.old_reader && outcome.frames - outcome.backfilled > kReportedFrames;
  if (grows) {
    around_.obstacles.met(database_->name(), Obstacle::Kind::kOldSnapshot, *outcome.old_reader,
                          outcome.frames);
  } else if (outcome.frames != 0) {
    around_.obstacles.gone(database_->name(), Obstacle::Kind::kOldSnapshot);
  }
  return {};
}

// --- Into the database file ----------------------------------------------------------------------

Result<bool> Desk::keep_writers_out(bool has_wal) {
  TRY_ASSIGN(const bool connected, seat_.connect());
  if (!connected) return false;
  if (has_wal) {
    TRY_ASSIGN(const bool open, seat_.open_wal());
    if (!open) return false;
  }
  TRY_ASSIGN(const bool locked, file_writer_.keep_writers_out(has_wal));
  if (locked) {
    around_.obstacles.gone(database_->name(), Obstacle::Kind::kWriter);
  } else if (const auto writer = file_writer_.writer_in_the_way()) {
    around_.obstacles.met(database_->name(), Obstacle::Kind::kWriter, *writer, 0);
  }
  return locked;
}

Result<bool> Desk::keep_all_out() {
  TRY_ASSIGN(const bool locked, file_writer_.keep_all_out());
  if (locked) {
    around_.obstacles.gone(database_->name(), Obstacle::Kind::kReader);
  } else if (const auto reader = file_writer_.reader_in_the_way()) {
    around_.obstacles.met(database_->name(), Obstacle::Kind::kReader, *reader, 0);
  }
  return locked;
}

Status Desk::apply_file(const Work& work, bool has_wal) {
  Status done = record_for_file(work, has_wal);
  if (!done) {
    file_writer_.unlock();
    return done;
  }
  done = wait_for([this] { return keep_all_out(); }, "the database's locks");
  if (done) done = clear_the_file(work);
  if (done) done = file_writer_.hide(work.received);
  if (done) done = work.mark_in_place();
  if (!done) {
    (void)replica_.abandon();
    file_writer_.unlock();
    return done;
  }
  TRY(insist("apply-write", [&] { return file_writer_.write(work.pages, work.received); }));
  replica_.publish_file();
  file_writer_.unlock();
  return {};
}

// What takes long, while readers go on.
Status Desk::record_for_file(const Work& work, bool has_wal) {
  TRY(wait_for([&] { return keep_writers_out(has_wal); }, "the database's locks"));
  if (replica_.view().journal_active) {
    TRY(wait_for([this] { return keep_all_out(); }, "the database's locks"));
    TRY(file_writer_.roll_back_journal(around_.mount));
  }
  const auto view = replica_.view();
  if (view.uncommitted && view.commit != 0 && !work.over_uncommitted) {
    return fail(Errc::kCorrupt,
                fmt::format("database {}: its file has changes that were never committed",
                            database_->name()));
  }
  TRY(work.stage(Way::kFile, work.own ? RecordHead::kImport : RecordHead::kReplicated));
  Status done = work.sync();
  if (done && work.own) done = replica_.confirm();
  if (!done) (void)replica_.abandon();
  return done;
}

// It has room, and nothing lies beside it that would be read with it.
Status Desk::clear_the_file(const Work& work) {
  if (replica_.view().commit == 0) {
    for (const FileKind kind : {FileKind::kWal, FileKind::kShm}) {
      if (database_->file_id(kind) != 0) TRY(around_.mount.unlink(file_name(kind)));
    }
  }
  const ltx::Header& header = work.received.header;
  return file_writer_.reserve(uint64_t{header.commit} * header.page_size.bytes());
}

Status Desk::drop(const Work& work) {
  TRY(work.stage(Way::kFile, RecordHead::kReplicated));
  leave_the_mount();
  Status done;
  for (const FileKind kind :
       {FileKind::kDatabase, FileKind::kWal, FileKind::kShm, FileKind::kJournal}) {
    if (!done || database_->file_id(kind) == 0) continue;
    done = around_.mount.unlink(file_name(kind));
    if (!done && done.error().code() == Errc::kNotFound) done = {};
  }
  if (!done && database_->file_id(FileKind::kDatabase) != 0) {
    (void)replica_.abandon();
    return done;
  }
  replica_.publish_file();
  return done;
}

// --- After a restart -----------------------------------------------------------------------------

Status Desk::redo() {
  while (const auto redo = replica_.next_redo()) {
    TRY_ASSIGN(const db::Received received, read_received(*redo));
    LoggedPages pages(*redo);
    const auto stage = [&](Way way, uint32_t) { return replica_.stage_redo(way, received, *redo); };
    const auto sync = [this] { return database_->log().sync(); };
    const auto mark = [&] { return replica_.mark_in_place(*redo); };
    TRY(apply({pages, received, false, stage, sync, mark}));
    log::info("apply-redone", "applied a transaction again that a restart had interrupted",
              {{"db", database_->name()}, {"txid", to_string(received.header.max_txid)}});
  }
  return {};
}

}  // namespace skerry::apply
