#include "tests/crash/apply_workload.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "tests/crash/trial.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {

static constexpr const char* kFollowed = "a.db";
static constexpr const char* kImported = "b.db";

static Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

static void write_file(const std::string& path, ByteView data) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
}

// --- The primary ---------------------------------------------------------------------------------

static std::string insert(int rows, int bytes) {
  return fmt::format(
      "with recursive n(i) as (select 1 union all select i+1 from n where i<{}) insert into t(v) "
      "select printf('%0{}d', i*7919 + (select count(*) from t)) from n",
      rows, bytes);
}

static std::vector<std::string> statements(const std::string& mode) {
  const std::string other = mode == "wal" ? "delete" : "wal";
  return {
      "create table t(id integer primary key, v)",
      insert(20, 200),
      "update t set v=v||'x' where id%3=0",
      insert(330, 900),  // too large to be staged in memory
      "delete from t where id%5=0",
      insert(3, 50),
      insert(40, 300),
      "update t set v='y' where id%7=0",
      "create index i on t(v)",
      "drop index i",
      "delete from t where id>60",
      "vacuum",
      insert(1, 10),
      "pragma journal_mode=" + other,
      insert(2, 500),
      "update t set v='z' where id%2=0",
      "pragma journal_mode=" + mode,
      insert(5, 300),
      "",  // dropped
      "create table t(id integer primary key, v)",
      insert(30, 400),
      insert(1, 20),
  };
}

static bool drop(CaptureFixture& f) {
  bool dropped = true;
  auto database = f.vfs.database(kFollowed);
  for (const auto kind :
       {db::FileKind::kJournal, db::FileKind::kWal, db::FileKind::kShm, db::FileKind::kDatabase}) {
    if (!database->open_file(kind)) continue;
    const std::string path = database->path(kind);
    database->remove(
        kind, [&] { return f.fs.remove(os::Site("test"), path); },
        [&](const Status& status) { dropped = dropped && status.has_value(); });
  }
  return dropped;
}

std::string PrimaryHistory::make(const std::string& folder, const std::string& mode) {
  CaptureFixture f;
  auto db = std::make_unique<SqliteDb>(f.path(kFollowed), "captured");
  const std::string pragmas = "pragma page_size=1024; pragma journal_mode=" + mode;
  if (db->exec(pragmas) != SQLITE_OK) return db->message();
  auto database = f.vfs.database(kFollowed);
  size_t written = 0;
  for (const std::string& sql : statements(mode)) {
    if (sql.empty()) {
      db.reset();
      if (!drop(f)) return "the database cannot be dropped";
      db = std::make_unique<SqliteDb>(f.path(kFollowed), "captured");
      db->exec(pragmas);
    } else if (db->exec(sql) != SQLITE_OK) {
      return sql + ": " + db->message();
    }
    // A statement may be several transactions, or none.
    while (written < database->info().position.txid.value()) {
      const auto found = database->log().find(Txid(written + 1));
      if (!found) return "the log has a gap";
      const auto ltx = found->segment->read_ltx(found->place);
      if (!ltx) return ltx.error().message();
      write_file(fmt::format("{}/{}.ltx", folder, written), *ltx);
      const bool is_last = ++written == database->info().position.txid.value();
      const Bytes image = is_last ? read_logical(f.dir_of(kFollowed)).file() : Bytes();
      write_file(fmt::format("{}/{}.db", folder, written - 1), image);
    }
  }
  return "";
}

PrimaryHistory PrimaryHistory::load(const std::string& folder) {
  PrimaryHistory history;
  for (size_t i = 0;; ++i) {
    Bytes ltx = read_file(fmt::format("{}/{}.ltx", folder, i));
    if (ltx.empty()) return history;
    ltx::MemorySource source(ltx);
    const auto verified = ltx::verify(source);
    INVARIANT(verified.has_value());
    ImageSource state;
    state.position = {verified->header.max_txid, verified->trailer.post_apply_checksum};
    state.image.page_bytes = verified->header.page_size.bytes();
    const Bytes file = read_file(fmt::format("{}/{}.db", folder, i));
    for (size_t at = 0; at < file.size(); at += state.image.page_bytes) {
      const ByteView page = ByteView(file).subspan(at, state.image.page_bytes);
      state.image.pages.emplace_back(page.begin(), page.end());
    }
    history.ltx.push_back(std::move(ltx));
    history.states.push_back(std::move(state));
  }
}

// --- The replica ---------------------------------------------------------------------------------

std::vector<ApplyStep> apply_steps(const PrimaryHistory& history) {
  std::vector<ApplyStep> steps;
  size_t at = 0;  // transactions that are there
  const auto follow = [&](size_t upto) {
    for (; at < upto; ++at) steps.push_back({ApplyAct::kFollow, 0});
  };
  const auto image = [&](size_t upto) {
    while (history.states[upto - 1].image.pages.empty()) ++upto;
    steps.push_back({ApplyAct::kImage, upto - 1});
    at = upto;
  };
  const size_t all = history.ltx.size();
  follow(4);
  steps.push_back({ApplyAct::kCheckpoint, 0});
  follow(5);
  image(8);
  follow(9);
  steps.push_back({ApplyAct::kImport, 4});
  steps.push_back({ApplyAct::kImport, 7});
  steps.push_back({ApplyAct::kReopen, 0});
  follow(all - 4);  // up to the drop or past it
  while (at > 0 && !history.states[at - 1].image.pages.empty() && at < all - 2) follow(at + 1);
  steps.push_back({ApplyAct::kCheckpoint, 0});
  image(all - 1);
  follow(all);
  return steps;
}

ApplyCrashNode::ApplyCrashNode(std::string folder, const PrimaryHistory& history, uint8_t boot)
    : node_(std::move(folder)), history_(history) {
  node_.env.boot_id.fill(std::byte{boot});
}

Status ApplyCrashNode::start() {
  Status done;
  for (unsigned tries = 0; tries < kTrialTriesMax; ++tries) {
    node_.end();
    done = node_.open();
    if (done && !node_.store->broken().empty()) {
      done = std::unexpected(node_.store->broken().front().error);
    }
    if (!done) continue;
    node_.applier->start();
    return {};
  }
  return done;
}

Status ApplyCrashNode::follow() {
  const uint64_t next = node_.position(kFollowed).txid.value();
  INVARIANT(next < history_.ltx.size());
  ltx::MemorySource source(history_.ltx[next]);
  return apply_ltx(*node_.applier, kFollowed, source);
}

Status ApplyCrashNode::run(const ApplyStep& step) {
  switch (step.act) {
    case ApplyAct::kFollow:
      return follow();
    case ApplyAct::kImage:
      TRY(send_image(*node_.applier, kFollowed, history_.states[step.arg]));
      return {};
    case ApplyAct::kImport: {
      node_.gate.writable = true;
      Status done = import(*node_.applier, kImported, history_.states[step.arg].image);
      node_.gate.writable = false;
      return done;
    }
    case ApplyAct::kCheckpoint:
      for (const char* name : {kFollowed, kImported}) {
        if (node_.store->find(name)) TRY(node_.applier->checkpoint(name));
      }
      return {};
    case ApplyAct::kReopen:
      return start();
  }
  return {};
}

std::string ApplyCrashNode::digest() {
  std::string all;
  for (const char* name : {kFollowed, kImported}) {
    const auto database = node_.store->find(name);
    const auto info = database ? database->info() : db::Database::Info{};
    const DbImage image = read_logical(node_.dir_of(name));
    all += fmt::format("{} ", to_string(info.position));
    const bool empty = info.commit == 0 && image.pages.empty();
    if (empty || (image.checksum() == info.position.checksum && image.pages.size() == info.commit)) {
      continue;
    }
    all += fmt::format("? its {} pages sum up to {} ", image.pages.size(),
                       to_string(image.checksum()));
  }
  return all;
}

std::string ApplyCrashNode::integrity() {
  for (const char* name : {kFollowed, kImported}) {
    const auto database = node_.store->find(name);
    if (!database || database->info().commit == 0) continue;
    SqliteDb reader(node_.path(name), "replica");
    const std::string result = reader.value("pragma integrity_check");
    if (result != "ok") return fmt::format("{}: {} {}", name, result, reader.message());
  }
  return "";
}

}  // namespace skerry::test
