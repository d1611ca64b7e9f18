// A replica without a network: a worker on a mount of its own that applies what it finds in another
// node's commit logs, and a keeper that mounts and starts a new worker when one dies.
//
//   apply_follower keep MOUNT DATA SOURCE    SOURCE is the other node's data folder; ends with
//   stdin apply_follower work MOUNT DATA SOURCE first|successor
//
// The keeper prints "ready" once its first worker serves. Its worker waits with a transaction while
// the file DATA/hold is there.

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>

#include "daemon/app/node/kernel_cache.h"
#include "daemon/apply/node_applier.h"
#include "daemon/db/log_segment.h"
#include "daemon/db/stored_ltx.h"
#include "daemon/fusefs/session.h"
#include "daemon/log/log.h"
#include "daemon/os/posix_file_system.h"
#include "daemon/os/process.h"
#include "daemon/peer/peer.h"
#include "ltx/decoder.h"

namespace skerry {
namespace {

constexpr int kFuseFd = 10;
constexpr int kHandshakeFd = 11;
constexpr int kReadyFd = 12;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "apply_follower: %s\n", what.c_str());
  ::_exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) die(result.error().message());
  return *std::move(result);
}
void must(Status status) {
  if (!status) die(status.error().message());
}

// --- The worker ----------------------------------------------------------------------------------

class ReplicaGate final : public db::CommitGate {
 public:
  Status may_write(const db::Database&) override {
    return fail(Errc::kReadOnly, "a replica is not written", EROFS);
  }
  Epoch epoch() override { return Epoch(1); }
  Result<Decision> may_commit(const db::Database& database, const db::Transaction&) override {
    TRY(may_write(database));
    return Decision::kGrant;
  }
  void hold(db::Database&, const db::Transaction&, Resume resume) override { resume({}); }
};

class NoListener final : public db::CommitListener {
 public:
  void committed(db::Database&, const db::Transaction&) override {}
};

class Log final : public fusefs::SessionLog {
 public:
  void refused(int, const std::string&, const Error&) override {}
  void unsupported(int, const char*, const std::string&) override {}
  void failed(const char* call, const Error& error) override {
    std::fprintf(stderr, "call failed: %s: %s\n", call, error.message().c_str());
  }
  void disk_full(const Error& error) override { failed("write", error); }
};

class NoNodeFiles final : public fusefs::NodeFiles {
 public:
  std::optional<fusefs::VirtualFile::Content> primary() override {
    return fusefs::VirtualFile::Content{"elsewhere\n", 0};
  }
  fusefs::VirtualFile::Content lag() override { return {"0\n", 0}; }
};

class WorkerHooks final : public fusefs::Hooks {
 public:
  explicit WorkerHooks(peer::Peer& peer) : peer_(peer) {}
  bool is_primary() const override { return false; }
  void wal_index_closed(const std::shared_ptr<db::Database>& database, db::Done done) override {
    peer_.wal_index_closed(database, std::move(done));
  }
  void unjournaled_changes(const std::shared_ptr<db::Database>& database) override {
    peer_.unjournaled_changes(database);
  }

 private:
  peer::Peer& peer_;
};

// The commit log of another node's database, read while that appends to it.
class SourceLog {
 public:
  SourceLog(os::FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}

  // The record that begins with `first`; nothing if it is not (whole) there.
  Result<std::optional<db::StoredLtx>> find(Txid first) {
    if (next_ != first || !file_) TRY(seek(first));
    if (!file_) return std::nullopt;
    std::array<std::byte, db::kRecordHeadBytes> raw;
    TRY_ASSIGN(const size_t n, file_->read_at(os::Site("source"), at_, raw));
    const auto head = n == raw.size() ? db::decode_record_head(raw) : std::nullopt;
    if (!head || head->first != first) {
      file_.reset();  // perhaps there is a newer segment
      return std::nullopt;
    }
    TRY_ASSIGN(const auto info, file_->info());
    const db::RecordPlace place{*head, at_};
    if (place.end() > info.bytes) return std::nullopt;
    at_ = place.end();
    next_ = next(head->last);
    return db::StoredLtx(head->first, head->last, file_, place.ltx_offset(), head->ltx_bytes);
  }
  void forget() { file_.reset(); }

 private:
  Status seek(Txid first) {
    file_.reset();
    std::string best;
    const auto entries = fs_.list(dir_);
    for (const auto& entry : entries.value_or(std::vector<os::DirEntry>{})) {
      const bool before =
          entry.name.ends_with(".log") && entry.name.substr(0, 16) <= hex16(first.value());
      if (before && entry.name > best) best = entry.name;
    }
    if (best.empty()) return {};
    TRY_ASSIGN(file_, fs_.open(os::Site("source"), dir_ + "/" + best, os::OpenMode::kRead));
    at_ = 0;
    for (;;) {
      std::array<std::byte, db::kRecordHeadBytes> raw;
      TRY_ASSIGN(const size_t n, file_->read_at(os::Site("source"), at_, raw));
      const auto head = n == raw.size() ? db::decode_record_head(raw) : std::nullopt;
      if (!head || head->first >= first) break;
      at_ += db::kRecordHeadBytes + head->ltx_bytes;
    }
    next_ = first;
    return {};
  }

  os::FileSystem& fs_;
  const std::string dir_;
  std::shared_ptr<os::File> file_;
  uint64_t at_ = 0;
  Txid next_;
};

class Worker {
 public:
  Worker(std::string mount, std::string data, std::string source, bool successor)
      : mount_(mount), data_(std::move(data)), source_(std::move(source)), peer_(mount, clock_) {
    store_ = must(store::Store::open({fs_, clock_, gate_, listener_, cache_, NodeId(7)}, data_));
    if (!store_->broken().empty()) die(store_->broken()[0].error.message());
    directory_ = std::make_unique<fusefs::Directory>(*store_, fs_, hooks_, node_files_);
    must(successor ? directory_->assume_open() : directory_->clear_unlinked());
    Bytes init(4096);
    const ssize_t n = ::pread(kHandshakeFd, init.data(), init.size(), 0);
    if (n <= 0) die("no handshake");
    init.resize(static_cast<size_t>(n));
    session_ = must(fusefs::Session::open(kFuseFd, {init, true}, *directory_, log_));
    notifier_ = std::make_unique<fusefs::Notifier>(fusefs::Notifier::Calls{
        [this](uint64_t id, uint64_t offset, uint64_t bytes) {
          session_->invalidate_node(id, offset, bytes);
        },
        [this](const std::string& name) { session_->invalidate_name(name); }});
    cache_.connect(session_.get(), notifier_.get(), &peer_);
    must(session_->start(successor));
    peer_.start();
    applier_ = std::make_unique<apply::NodeApplier>(fs_, clock_, mount_, cache_, *store_);
    applier_->start();
    (void)!::write(kReadyFd, "r", 1);
  }

  [[noreturn]] void run() {
    for (;;) {
      bool idle = true;
      for (const auto& entry : fs_.list(source_ + "/dbs").value_or(std::vector<os::DirEntry>{})) {
        if (std::filesystem::exists(data_ + "/hold")) continue;
        while (step(entry.name)) idle = false;
      }
      if (idle) std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  }

 private:
  bool step(const std::string& name) {
    const auto at = logs_.try_emplace(name, fs_, source_ + "/dbs/" + name + "/log").first;
    const auto database = store_->find(name);
    const Txid txid = database ? database->info().position.txid : Txid(0);
    auto record = at->second.find(next(txid));
    if (!record || !*record) return false;
    if (auto done = apply(name, **record); !done) {
      at->second.forget();
      // Half of a record is no record yet; it comes again.
      if (done.error().code() == Errc::kBusy) return false;
      std::fprintf(stderr, "%s: %s\n", name.c_str(), done.error().message().c_str());
      return false;
    }
    return true;
  }

  Status apply(const std::string& name, const db::StoredLtx& record) {
    db::StoredLtxSource source(record);
    ltx::Decoder decoder(source);
    TRY_ASSIGN(const ltx::Header header, decoder.header());
    TRY_ASSIGN(auto incoming, applier_->begin(name, header));
    Bytes page(header.page_size.bytes());
    for (;;) {
      TRY_ASSIGN(const auto pgno, decoder.next_page(page));
      if (!pgno) break;
      TRY(incoming->add(*pgno, page));
    }
    TRY_ASSIGN(const auto trailer, decoder.finish());
    return incoming->commit(trailer.post_apply_checksum);
  }

  const peer::OwnMount mount_;
  const std::string data_;
  const std::string source_;
  os::PosixFileSystem fs_;
  os::SystemClock clock_;
  ReplicaGate gate_;
  NoListener listener_;
  Log log_;
  NoNodeFiles node_files_;
  app::MountCache cache_;
  peer::Peer peer_;
  WorkerHooks hooks_{peer_};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<fusefs::Directory> directory_;
  std::unique_ptr<fusefs::Session> session_;
  std::unique_ptr<fusefs::Notifier> notifier_;
  std::unique_ptr<apply::NodeApplier> applier_;
  std::map<std::string, SourceLog> logs_;
};

// --- The keeper ----------------------------------------------------------------------------------

pid_t start_worker(char** arguments, const char* which, int ready) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::dup2(ready, kReadyFd);
  char work[] = "work";
  std::string role = which;
  char* argv[] = {arguments[0], work,        arguments[2], arguments[3],
                  arguments[4], role.data(), nullptr};
  ::execv("/proc/self/exe", argv);
  ::_exit(127);
}

int keep(char** arguments) {
  const std::string mount = arguments[2];
  const int fuse = ::open("/dev/fuse", O_RDWR);
  if (fuse < 0) die("cannot open /dev/fuse");
  ::dup2(fuse, kFuseFd);
  ::close(fuse);
  const std::string options = "fd=10,rootmode=40000,user_id=0,group_id=0,allow_other";
  if (::mount("apply_follower", mount.c_str(), "fuse.skerry", MS_NOSUID | MS_NODEV,
              options.c_str()) != 0) {
    die(std::string("cannot mount: ") + std::strerror(errno));
  }
  const auto handshake = must(fusefs::negotiate(kFuseFd));
  const int memory = ::memfd_create("handshake", 0);
  (void)!::write(memory, handshake.init_request.data(), handshake.init_request.size());
  ::dup2(memory, kHandshakeFd);
  ::close(memory);
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) die("pipe");
  pid_t worker = start_worker(arguments, "first", ready[1]);
  char byte = 0;
  // The first worker serves, or ends.
  pollfd first{ready[0], POLLIN, 0};
  while (::poll(&first, 1, 100) == 0) {
    if (os::is_ending(worker)) die("the worker ended");
  }
  (void)!::read(ready[0], &byte, 1);
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    pollfd input{0, POLLIN, 0};
    if (::poll(&input, 1, 5) > 0 && ::read(0, &byte, 1) <= 0) break;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (os::is_ending(worker)) worker = start_worker(arguments, "successor", ready[1]);
  }
  ::kill(worker, SIGKILL);
  // Frees a worker that waits on its own mount.
  ::umount2(mount.c_str(), MNT_FORCE);
  ::umount2(mount.c_str(), MNT_DETACH);
  ::waitpid(worker, nullptr, 0);
  return 0;
}

}  // namespace
}  // namespace skerry

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "keep" && argc == 5) return skerry::keep(argv);
  if (mode == "work" && argc == 6) {
    // The first thread waits on nothing of the mount: by its end the keeper sees the worker's.
    std::thread([argv] {
      skerry::Worker(argv[2], argv[3], argv[4], std::string(argv[5]) == "successor").run();
    }).detach();
    for (;;) ::pause();
  }
  std::fprintf(stderr, "usage: apply_follower keep MOUNT DATA SOURCE\n");
  return 2;
}
