// A FUSE file system that does nothing but pass a flat folder on: what any file system in user
// space costs, to judge Skerry's own work by. Locks stay in the kernel, everything is cached, two
// threads answer.
//
// usage: bare_fuse FOLDER MOUNT
#define FUSE_USE_VERSION 314
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

constexpr double kForever = 86400;

struct Entry {
  std::string name;
  int fd = -1;
};

std::string folder;
std::mutex mutex;
std::map<std::string, Entry*> entries;  // never removed: this lives for one measurement

Entry* entry(fuse_ino_t id) {
  return reinterpret_cast<Entry*>(id);
}
std::string path(const char* name) {
  return folder + "/" + name;
}

int open_fd(Entry* one) {
  const std::lock_guard lock(mutex);
  if (one->fd < 0) one->fd = ::open(path(one->name.c_str()).c_str(), O_RDWR | O_CLOEXEC);
  return one->fd;
}

bool describe(const char* name, fuse_entry_param* out) {
  *out = {};
  if (::lstat(path(name).c_str(), &out->attr) != 0) return false;
  const std::lock_guard lock(mutex);
  Entry*& one = entries[name];
  if (one == nullptr) one = new Entry{name};
  out->ino = reinterpret_cast<fuse_ino_t>(one);
  out->attr.st_ino = out->ino;
  out->generation = 1;
  out->attr_timeout = out->entry_timeout = kForever;
  return true;
}

void reply_error(fuse_req_t request, bool ok) {
  fuse_reply_err(request, ok ? 0 : errno);
}

void op_init(void*, fuse_conn_info* connection) {
  connection->want &=
      ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
                             FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_POSIX_LOCKS |
                             FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_READDIRPLUS);
}
void op_lookup(fuse_req_t request, fuse_ino_t, const char* name) {
  fuse_entry_param found{};
  if (!describe(name, &found))
    found.entry_timeout = kForever;  // ino 0: there is none, and remember it
  fuse_reply_entry(request, &found);
}
void op_getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
  struct stat st{};
  const bool ok =
      id == FUSE_ROOT_ID ? ::stat(folder.c_str(), &st) == 0 : ::fstat(open_fd(entry(id)), &st) == 0;
  if (!ok) return reply_error(request, false);
  st.st_ino = id;
  fuse_reply_attr(request, &st, kForever);
}
void op_setattr(fuse_req_t request, fuse_ino_t id, struct stat* to, int what,
                fuse_file_info* info) {
  if ((what & FUSE_SET_ATTR_SIZE) != 0 && ::ftruncate(open_fd(entry(id)), to->st_size) != 0) {
    return reply_error(request, false);
  }
  op_getattr(request, id, info);
}
void op_open(fuse_req_t request, fuse_ino_t id, fuse_file_info* info) {
  if (open_fd(entry(id)) < 0) return reply_error(request, false);
  info->keep_cache = 1;
  info->noflush = 1;
  fuse_reply_open(request, info);
}
void op_create(fuse_req_t request, fuse_ino_t, const char* name, mode_t mode,
               fuse_file_info* info) {
  const int fd = ::open(path(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, mode);
  fuse_entry_param found{};
  if (fd < 0 || !describe(name, &found)) return reply_error(request, false);
  {
    const std::lock_guard lock(mutex);
    if (entry(found.ino)->fd >= 0) ::close(entry(found.ino)->fd);
    entry(found.ino)->fd = fd;
  }
  info->keep_cache = 1;
  info->noflush = 1;
  fuse_reply_create(request, &found, info);
}
void op_read(fuse_req_t request, fuse_ino_t id, size_t bytes, off_t offset, fuse_file_info*) {
  static thread_local std::vector<char> buffer(1 << 20);
  const ssize_t n =
      ::pread(open_fd(entry(id)), buffer.data(), std::min(bytes, buffer.size()), offset);
  if (n < 0) return reply_error(request, false);
  fuse_reply_buf(request, buffer.data(), static_cast<size_t>(n));
}
void op_write(fuse_req_t request, fuse_ino_t id, const char* data, size_t bytes, off_t offset,
              fuse_file_info*) {
  const ssize_t n = ::pwrite(open_fd(entry(id)), data, bytes, offset);
  if (n < 0) return reply_error(request, false);
  fuse_reply_write(request, static_cast<size_t>(n));
}
void op_fsync(fuse_req_t request, fuse_ino_t id, int, fuse_file_info*) {
  reply_error(request, ::fdatasync(open_fd(entry(id))) == 0);
}
void op_unlink(fuse_req_t request, fuse_ino_t, const char* name) {
  const bool ok = ::unlink(path(name).c_str()) == 0;
  {
    const std::lock_guard lock(mutex);
    entries.erase(name);
  }
  reply_error(request, ok);
}
void op_fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool ok = ::fsync(fd) == 0;
  ::close(fd);
  reply_error(request, ok);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  folder = argv[1];
  fuse_lowlevel_ops ops{};
  ops.init = op_init;
  ops.lookup = op_lookup;
  ops.getattr = op_getattr;
  ops.setattr = op_setattr;
  ops.open = op_open;
  ops.create = op_create;
  ops.read = op_read;
  ops.write = op_write;
  ops.fsync = op_fsync;
  ops.fsyncdir = op_fsyncdir;
  ops.unlink = op_unlink;
  char* arguments[] = {argv[0], nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  fuse_session* session = fuse_session_new(&args, &ops, sizeof ops, nullptr);
  if (session == nullptr || fuse_set_signal_handlers(session) != 0 ||
      fuse_session_mount(session, argv[2]) != 0)
    return 1;
  fuse_loop_config* config = fuse_loop_cfg_create();
  fuse_loop_cfg_set_max_threads(config, 2);
  const int code = fuse_session_loop_mt(session, config);
  fuse_session_unmount(session);
  fuse_session_destroy(session);
  return code == 0 ? 0 : 1;
}
