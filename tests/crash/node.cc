#include "tests/crash/node.h"

#include <fmt/format.h>

#include "daemon/db/image_reader.h"
#include "daemon/db/retention.h"
#include "ltx/decoder.h"
#include "tests/support/db_model.h"

namespace skerry::test {

static constexpr const char* kDatabase = "a.db";
static constexpr int64_t kDayMs = 86'400'000;

CrashNode::CrashNode(std::string folder, const Mode& mode, uint8_t& boot)
    : folder_(std::move(folder)), mode_(mode), boot_(boot) {
  start();
}

void CrashNode::start() {
  db::Environment environment{fs_, clock_, gate_, listener_, cache_, NodeId(42)};
  environment.boot_id.fill(std::byte{boot_});
  vfs_.reset();
  vfs_ = std::make_unique<CapturedVfs>(environment, "node", folder_);
  reconnect();
}

void CrashNode::stop_connection() {
  // A process that dies does not checkpoint.
  if (db_) sqlite3_db_config(db_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  db_.reset();
}

void CrashNode::reconnect() {
  db_.reset();
  db_ = std::make_unique<SqliteDb>(folder_ + "/" + kDatabase, "node");
  db_->exec("pragma page_size=1024; pragma cache_size=5");
  db_->exec(mode_.pragmas);
}

int CrashNode::run(const Step& step) {
  if (step.act == Act::kSql) return run_sql(step.sql);
  if (step.act == Act::kDrop) return drop();
  act(step.act);
  return SQLITE_OK;
}

int CrashNode::run_sql(const std::string& sql) {
  const int code = db_->exec(sql);
  if (code != SQLITE_OK && db_->in_transaction()) db_->exec("rollback");
  return code;
}

// As a program that removes its database: whatever belongs to it.
int CrashNode::drop() {
  db_.reset();
  auto database = vfs_->try_database(kDatabase);
  if (!database) return SQLITE_CANTOPEN;
  Status result;
  for (const auto kind :
       {db::FileKind::kJournal, db::FileKind::kWal, db::FileKind::kShm, db::FileKind::kDatabase}) {
    if (!(*database)->open_file(kind)) continue;
    const std::string path = (*database)->path(kind);
    (*database)->remove(
        kind, [&] { return fs_.remove(os::Site("file:unlink"), path); },
        [&](Status status) {
          if (!status) result = std::move(status);
        });
  }
  if (!result) return SQLITE_IOERR_DELETE;
  reconnect();
  return SQLITE_OK;
}

void CrashNode::act(Act act) {
  auto opened = vfs_->try_database(kDatabase);
  if (!opened) return;
  auto database = *std::move(opened);
  switch (act) {
    case Act::kSync:
      (void)database->sync_state();
      return;
    case Act::kRoll:
      return database->log().roll();
    case Act::kRetention: {
      const auto upto = database->sync_state();
      (void)db::enforce_retention(database->log(), {}, upto ? *upto : Txid(0),
                                  clock_.wall_ms() + kDayMs);
      return;
    }
    case Act::kReadImage: {
      auto reader = db::ImageReader::open(database, db::ImageReader::Of::kEverything,
                                          std::chrono::milliseconds(1));
      auto file = fs_.open(os::Site("image:file"), folder_ + "/image", os::OpenMode::kTruncate);
      if (reader && file) (void)db::write_image(**reader, **file);
      return;
    }
    case Act::kReopen:
      db_.reset();
      (void)database->close();
      break;
    case Act::kPowerCut:
      ++boot_;
      [[fallthrough]];
    case Act::kDie:
      stop_connection();
      break;
    case Act::kSql:
    case Act::kDrop:
      return;
  }
  database.reset();
  start();
}

uint64_t CrashNode::make_room() {
  auto database = vfs_->database(kDatabase);
  const auto upto = database->sync_state();
  (void)database->begin_log_segment();
  const auto result = db::enforce_retention(
      database->log(), {0, 0, true}, upto ? *upto : database->synced_txid(), clock_.wall_ms());
  return result ? result->freed_bytes : 0;
}

std::string CrashNode::digest() {
  const std::string schema =
      db_->value("select count(*) || ifnull(group_concat(name), '') from sqlite_master");
  if (db_->error() != SQLITE_OK) return "?";
  if (!schema.contains('t')) return schema;
  const std::string rows = db_->value(
      "select count(*) || '/' || ifnull(group_concat(id || ':' || v), '') from "
      "(select * from t order by id)");
  if (db_->error() != SQLITE_OK) return "?";
  return fmt::format("{} {} {:x}", schema, rows.substr(0, rows.find('/')),
                     std::hash<std::string>()(rows));
}

std::string CrashNode::inconsistency() {
  auto opened = vfs_->try_database(kDatabase);
  if (!opened) return "does not open: " + opened.error().message();
  auto& database = **opened;
  const std::string integrity = db_->value("pragma integrity_check");
  if (integrity != "ok") return "integrity_check: " + integrity + " " + db_->message();
  database.commit_unjournaled([] { return true; }, [](Status) {});
  const DbImage logical = read_logical(database.dir());
  const db::Database::Info info = database.info();
  const bool empty = info.commit == 0 && logical.pages.empty();
  if (!empty && logical.checksum() != info.position.checksum) {
    return fmt::format("the files sum up to {}, the position is {}", to_string(logical.checksum()),
                       to_string(info.position));
  }
  if (logical.pages.size() != info.commit) {
    return fmt::format("{} pages, the position says {}", logical.pages.size(), info.commit);
  }
  return check_log(database);
}

// The history leads to the position without a gap, in files that verify.
std::string CrashNode::check_log(const db::Database& database) {
  auto& log = vfs_->database(kDatabase)->log();
  const Position position = database.info().position;
  Checksum due(0);
  const Txid oldest = log.oldest();
  if (oldest == Txid(0)) return position.txid == Txid(0) ? "" : "the history is gone";
  for (Txid txid = oldest; txid <= position.txid;) {
    const auto stored = log.stored(txid);
    if (!stored || !*stored) return "transaction " + to_string(txid) + " is not in the history";
    db::StoredLtxSource source(**stored);
    const auto verified = ltx::verify(source);
    if (!verified) return verified.error().message();
    const ltx::Header& header = verified->header;
    const bool follows = due == Checksum(0) || header.pre_apply_checksum == due;
    if (!follows) return "transaction " + to_string(txid) + " does not follow its predecessor";
    due = verified->trailer.post_apply_checksum;
    txid = next((*stored)->last());
  }
  return due == position.checksum ? "" : "the history does not lead to the position";
}

}  // namespace skerry::test
