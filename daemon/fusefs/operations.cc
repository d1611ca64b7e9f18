#include "daemon/fusefs/operations.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "daemon/os/blocking.h"

namespace skerry::fusefs {
namespace {

// The kernel keeps what it knows until it is told otherwise.
constexpr double kForever = 1e9;  // seconds
constexpr double kNever = 0;

thread_local bool resent = false;
std::mutex own_threads_mutex;
std::set<int> own_threads;  // guarded by own_threads_mutex

Served& served(fuse_req_t request) {
  return *static_cast<Served*>(fuse_req_userdata(request));
}

void reply_error(fuse_req_t request, const char* call, const Error& error) {
  const int err = errno_of(error);
  if (err == EIO) served(request).log->failed(call, error);
  if (err == ENOSPC) served(request).log->disk_full(error);
  fuse_reply_err(request, err);
}

struct stat stat_of(uint64_t id, const Attributes& attributes) {
  struct stat st{};
  st.st_ino = id;
  st.st_mode = attributes.mode;
  st.st_nlink = attributes.links;
  st.st_size = static_cast<off_t>(attributes.bytes);
  st.st_blocks = static_cast<blkcnt_t>((attributes.bytes + 511) / 512);
  st.st_blksize = 4096;
  st.st_uid = ::getuid();
  st.st_gid = ::getgid();
  st.st_mtim = {attributes.modified_ns / 1'000'000'000, attributes.modified_ns % 1'000'000'000};
  st.st_atim = st.st_ctim = st.st_mtim;
  return st;
}

struct stat root_stat() {
  struct stat st{};
  st.st_ino = kRootId;
  st.st_mode = S_IFDIR | 0777;
  st.st_nlink = 2;
  st.st_uid = ::getuid();
  st.st_gid = ::getgid();
  return st;
}

Result<fuse_entry_param> entry_of(Node& node) {
  TRY_ASSIGN(const Attributes attributes, node.attributes());
  fuse_entry_param entry{};
  entry.ino = node.id();
  entry.generation = node.generation();
  entry.attr = stat_of(node.id(), attributes);
  entry.attr_timeout = entry.entry_timeout = node.cached() ? kForever : kNever;
  return entry;
}

// The node of a request, or an answer and nothing.
std::shared_ptr<Node> node_of(fuse_req_t request, fuse_ino_t id, const char* call) {
  auto node = served(request).directory->find(id);
  if (node) return *std::move(node);
  reply_error(request, call, node.error());
  return nullptr;
}

void note_refusal(fuse_req_t request, int pid, const Node& node, const Error& error) {
  if (error.code() != Errc::kReadOnly) return;
  const auto* file = dynamic_cast<const StoredFile*>(&node);
  served(request).log->refused(pid, file != nullptr ? file->database()->name() : "", error);
}

db::Done reply_when_done(fuse_req_t request, const char* call) {
  return [request, call](Status status) {
    if (status) {
      fuse_reply_err(request, 0);
    } else {
      reply_error(request, call, status.error());
    }
  };
}

// --- Names ---------------------------------------------------------------------------------------

void op_lookup(fuse_req_t request, fuse_ino_t, const char* name) {
  auto node = served(request).directory->lookup(name);
  if (!node && node.error().code() == Errc::kNotFound) {
    const bool ours = parse_name(name).kind != NameKind::kFile;
    fuse_entry_param nothing{};
    nothing.entry_timeout = ours ? kNever : kForever;
    fuse_reply_entry(request, &nothing);
    return;
  }
  auto entry = node ? entry_of(**node) : Result<fuse_entry_param>(std::unexpected(node.error()));
  if (!entry) return reply_error(request, "lookup", entry.error());
  fuse_reply_entry(request, &*entry);
}

void op_forget(fuse_req_t request, fuse_ino_t id, uint64_t) {
  served(request).directory->forget(id);
  fuse_reply_none(request);
}

void op_forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets) {
  for (const fuse_forget_data& forget : std::span(forgets, count)) {
    served(request).directory->forget(forget.ino);
  }
  fuse_reply_none(request);
}

void op_create(fuse_req_t request, fuse_ino_t, const char* name, mode_t mode,
               fuse_file_info* info) {
  Served& s = served(request);
  // Sent again, it may have created the file the first time.
  const bool must_be_new = (info->flags & O_EXCL) != 0 && !request_is_resent();
  auto node = s.directory->create(name, must_be_new, mode);
  if (!node) {
    const Error& error = node.error();
    if (error.code() == Errc::kReadOnly) {
      s.log->refused(fuse_req_ctx(request)->pid, parse_name(name).database, error);
      // What SQLite makes SQLITE_READONLY of, when it cannot create a journal.
      fuse_reply_err(request, EACCES);
      return;
    }
    return reply_error(request, "create", error);
  }
  auto entry = entry_of(**node);
  if (!entry) return reply_error(request, "create", entry.error());
  info->fh = (*node)->id();
  info->keep_cache = 1;
  info->noflush = !(*node)->wants_flush() || is_own_thread(fuse_req_ctx(request)->pid);
  (*node)->opened();
  if (fuse_reply_create(request, &*entry, info) != 0) (*node)->released();
}

void op_unlink(fuse_req_t request, fuse_ino_t, const char* name) {
  const bool again = request_is_resent();
  const int pid = fuse_req_ctx(request)->pid;
  const std::string database = parse_name(name).database;
  served(request).directory->remove(name, [request, again, pid, database](Status status) {
    if (status || (again && status.error().code() == Errc::kNotFound)) {
      fuse_reply_err(request, 0);
    } else if (status.error().code() == Errc::kReadOnly) {
      served(request).log->refused(pid, database, status.error());
      fuse_reply_err(request, EACCES);
    } else {
      reply_error(request, "unlink", status.error());
    }
  });
}

// --- Attributes ----------------------------------------------------------------------------------

void op_getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
  if (id == kRootId) {
    const struct stat st = root_stat();
    fuse_reply_attr(request, &st, kForever);
    return;
  }
  const auto node = node_of(request, id, "getattr");
  if (!node) return;
  auto attributes = node->attributes();
  if (!attributes) return reply_error(request, "getattr", attributes.error());
  const struct stat st = stat_of(id, *attributes);
  fuse_reply_attr(request, &st, node->cached() ? kForever : kNever);
}

void op_setattr(fuse_req_t request, fuse_ino_t id, struct stat* wanted, int which,
                fuse_file_info*) {
  // Owner and times are the mount's own: SQLite run by root sets them, and need not fail.
  if (id == kRootId) return op_getattr(request, id, nullptr);
  const auto node = node_of(request, id, "setattr");
  if (!node) return;
  if ((which & FUSE_SET_ATTR_MODE) != 0) {
    const Status set = node->set_permissions(wanted->st_mode & 0777);
    if (!set) return reply_error(request, "setattr", set.error());
  }
  if ((which & FUSE_SET_ATTR_SIZE) == 0) return op_getattr(request, id, nullptr);
  const int pid = fuse_req_ctx(request)->pid;
  node->truncate(static_cast<uint64_t>(wanted->st_size), [request, id, node, pid](Status status) {
    if (status) return op_getattr(request, id, nullptr);
    note_refusal(request, pid, *node, status.error());
    reply_error(request, "setattr", status.error());
  });
}

void op_statfs(fuse_req_t request, fuse_ino_t) {
  struct statvfs st{};
  if (::statvfs(served(request).directory->data_dir().c_str(), &st) != 0) {
    fuse_reply_err(request, errno);
    return;
  }
  st.f_namemax = store::kNameBytesMax;
  fuse_reply_statfs(request, &st);
}

// --- Files ---------------------------------------------------------------------------------------

// What an open with these flags asks for, as access(2) has it.
uint32_t wanted_by(int flags) {
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      return R_OK;
    case O_WRONLY:
      return W_OK;
    default:
      return R_OK | W_OK;
  }
}

void op_open(fuse_req_t request, fuse_ino_t id, fuse_file_info* info) {
  const auto node = node_of(request, id, "open");
  if (!node) return;
  if (!node->permits(fuse_req_ctx(request)->uid, wanted_by(info->flags))) {
    fuse_reply_err(request, EACCES);
    return;
  }
  info->fh = id;
  info->keep_cache = node->cached();
  info->direct_io = !node->cached();
  info->noflush = !node->wants_flush() || is_own_thread(fuse_req_ctx(request)->pid);
  node->opened();
  if (fuse_reply_open(request, info) != 0) node->released();
}

void op_access(fuse_req_t request, fuse_ino_t id, int wanted) {
  if (id == kRootId) {
    fuse_reply_err(request, 0);
    return;
  }
  const auto node = node_of(request, id, "access");
  if (!node) return;
  const bool permitted = node->permits(fuse_req_ctx(request)->uid, static_cast<uint32_t>(wanted));
  fuse_reply_err(request, permitted ? 0 : EACCES);
}

void op_release(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
  if (auto node = served(request).directory->find(id)) (*node)->released();
  fuse_reply_err(request, 0);
}

void op_read(fuse_req_t request, fuse_ino_t id, size_t bytes, off_t offset, fuse_file_info*) {
  const auto node = node_of(request, id, "read");
  if (!node) return;
  static thread_local Bytes buffer;
  buffer.resize(std::min(bytes, kTransferBytesMax));
  auto n = node->read(static_cast<uint64_t>(offset), buffer);
  if (!n) return reply_error(request, "read", n.error());
  fuse_reply_buf(request, reinterpret_cast<const char*>(buffer.data()), *n);
}

void op_write(fuse_req_t request, fuse_ino_t id, const char* data, size_t bytes, off_t offset,
              fuse_file_info*) {
  auto node = node_of(request, id, "write");
  if (!node) return;
  Node& target = *node;
  const int pid = fuse_req_ctx(request)->pid;
  target.write(static_cast<uint64_t>(offset), as_bytes({data, bytes}),
               [request, bytes, pid, node = std::move(node)](Status status) {
                 if (status) {
                   fuse_reply_write(request, bytes);
                   return;
                 }
                 note_refusal(request, pid, *node, status.error());
                 reply_error(request, "write", status.error());
               });
}

void op_fsync(fuse_req_t request, fuse_ino_t id, int, fuse_file_info*) {
  if (const auto node = node_of(request, id, "fsync")) {
    node->sync(reply_when_done(request, "fsync"));
  }
}

void op_flush(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
  if (const auto node = node_of(request, id, "flush")) {
    node->flush(reply_when_done(request, "flush"));
  }
}

void op_fallocate(fuse_req_t request, fuse_ino_t id, int mode, off_t offset, off_t bytes,
                  fuse_file_info*) {
  if (mode != 0) {
    fuse_reply_err(request, EOPNOTSUPP);
    return;
  }
  const auto node = node_of(request, id, "fallocate");
  if (!node) return;
  const Status done = node->allocate(static_cast<uint64_t>(offset), static_cast<uint64_t>(bytes));
  if (!done) return reply_error(request, "fallocate", done.error());
  fuse_reply_err(request, 0);
}

// --- The directory -------------------------------------------------------------------------------

void op_opendir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  fuse_reply_open(request, info);
}

// Entries stand in the order of their ids, and an id is where to go on: no state between calls.
void op_readdir(fuse_req_t request, fuse_ino_t, size_t bytes, off_t after, fuse_file_info*) {
  std::vector<char> buffer(bytes);
  size_t used = 0;
  for (const Directory::Entry& entry : served(request).directory->list()) {
    if (entry.id <= static_cast<uint64_t>(after)) continue;
    struct stat st{};
    st.st_ino = entry.id;
    st.st_mode = S_IFREG;
    const size_t need = fuse_add_direntry(request, buffer.data() + used, bytes - used,
                                          entry.name.c_str(), &st, static_cast<off_t>(entry.id));
    if (need > bytes - used) break;
    used += need;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void op_fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
  const os::BlockingScope blocking;
  const Status synced = served(request).directory->sync();
  if (!synced) return reply_error(request, "fsyncdir", synced.error());
  fuse_reply_err(request, 0);
}

// --- What the mount does not serve ---------------------------------------------------------------

void refuse(fuse_req_t request, const char* call, const char* name, int err) {
  served(request).log->unsupported(fuse_req_ctx(request)->pid, call, name);
  fuse_reply_err(request, err);
}
void op_mkdir(fuse_req_t request, fuse_ino_t, const char* name, mode_t) {
  refuse(request, "mkdir", name, EPERM);
}
void op_mknod(fuse_req_t request, fuse_ino_t, const char* name, mode_t, dev_t) {
  refuse(request, "mknod", name, EPERM);
}
void op_rmdir(fuse_req_t request, fuse_ino_t, const char* name) {
  refuse(request, "rmdir", name, ENOTDIR);
}
void op_setxattr(fuse_req_t request, fuse_ino_t, const char* name, const char*, size_t, int) {
  refuse(request, "setxattr", name, ENOSYS);  // the kernel says EOPNOTSUPP, and asks no more
}
void op_symlink(fuse_req_t request, const char*, fuse_ino_t, const char* name) {
  refuse(request, "symlink", name, EPERM);
}
void op_link(fuse_req_t request, fuse_ino_t, fuse_ino_t, const char* name) {
  refuse(request, "link", name, EPERM);
}
void op_rename(fuse_req_t request, fuse_ino_t, const char* name, fuse_ino_t, const char*,
               unsigned int) {
  refuse(request, "rename", name, EXDEV);  // mv copies then
}

void op_init(void*, fuse_conn_info* connection) {
  // Locks stay in the kernel; the application's cache is ours to invalidate.
  connection->want &= ~static_cast<unsigned>(
      FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_AUTO_INVAL_DATA |
      FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_ATOMIC_O_TRUNC |
      FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE | FUSE_CAP_READDIRPLUS |
      FUSE_CAP_READDIRPLUS_AUTO);
  connection->max_write = kTransferBytesMax;
}

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops ops{};
  ops.init = op_init;
  ops.lookup = op_lookup;
  ops.forget = op_forget;
  ops.forget_multi = op_forget_multi;
  ops.getattr = op_getattr;
  ops.setattr = op_setattr;
  ops.statfs = op_statfs;
  ops.create = op_create;
  ops.unlink = op_unlink;
  ops.open = op_open;
  ops.access = op_access;
  ops.release = op_release;
  ops.read = op_read;
  ops.write = op_write;
  ops.fsync = op_fsync;
  ops.flush = op_flush;
  ops.fallocate = op_fallocate;
  ops.opendir = op_opendir;
  ops.readdir = op_readdir;
  ops.fsyncdir = op_fsyncdir;
  ops.mkdir = op_mkdir;
  ops.mknod = op_mknod;
  ops.rmdir = op_rmdir;
  ops.setxattr = op_setxattr;
  ops.symlink = op_symlink;
  ops.link = op_link;
  ops.rename = op_rename;
  return ops;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops kOperations = make_operations();
  return kOperations;
}

bool request_is_resent() {
  return resent;
}
void set_request_is_resent(bool value) {
  resent = value;
}

bool is_own_thread(int tid) {
  const std::lock_guard lock(own_threads_mutex);
  return own_threads.contains(tid);
}

void register_own_thread() {
  const std::lock_guard lock(own_threads_mutex);
  own_threads.insert(::gettid());
}

void unregister_own_thread() {
  const std::lock_guard lock(own_threads_mutex);
  own_threads.erase(::gettid());
}

int errno_of(const Error& error) {
  if (error.os_errno() != 0) return error.os_errno();
  switch (error.code()) {
    case Errc::kInvalid:
      return EINVAL;
    case Errc::kNotFound:
      return ENOENT;
    case Errc::kExists:
      return EEXIST;
    case Errc::kReadOnly:
      return EROFS;
    case Errc::kNoSpace:
      return ENOSPC;
    case Errc::kDenied:
      return EACCES;
    case Errc::kUnsupported:
      return EOPNOTSUPP;
    default:
      return EIO;
  }
}

}  // namespace skerry::fusefs
