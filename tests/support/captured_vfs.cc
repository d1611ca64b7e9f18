#include "tests/support/captured_vfs.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <new>

#include "ltx/base/invariant.h"

namespace skerry::test {

struct CapturedVfs::Impl {
  sqlite3_vfs vfs{};
  std::string name;
  CapturedVfs* owner = nullptr;
  sqlite3_vfs* unix_vfs = nullptr;
};

namespace {

// What stands behind a sqlite3_file of ours; the unix VFS's file follows it in memory.
struct OpenFile {
  sqlite3_file base;
  const char* path;  // the unix VFS keeps it, and looks for URI parameters behind it
  std::shared_ptr<db::Database>* database;
  std::shared_ptr<os::File>* target;
  db::FileKind kind;
  bool captured;

  [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

OpenFile* of(sqlite3_file* file) {
  return reinterpret_cast<OpenFile*>(file);
}
CapturedVfs* owner_of(sqlite3_vfs* vfs) {
  return static_cast<CapturedVfs*>(vfs->pAppData);
}

// As SQLite's own VFS has it: a full disk is told of by writes only.
int code_of(const Status& status, int io_error) {
  if (status) return SQLITE_OK;
  const bool full = status.error().code() == Errc::kNoSpace && io_error == SQLITE_IOERR_WRITE;
  return full ? SQLITE_FULL : io_error;
}

// Waits for `done`: the gate of a test answers from another thread if it holds a commit.
template <typename Call>
Status wait_for(Call call) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Status> result;
  call([&](Status status) {
    const std::lock_guard lock(mutex);
    result = std::move(status);
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return result.has_value(); });
  return std::move(*result);
}

int vfs_close(sqlite3_file* file) {
  OpenFile* f = of(file);
  const int code = f->real()->pMethods != nullptr ? f->real()->pMethods->xClose(f->real()) : 0;
  sqlite3_free_filename(f->path);
  delete f->database;
  delete f->target;
  return code;
}

int vfs_read(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
  return of(file)->real()->pMethods->xRead(of(file)->real(), into, bytes, offset);
}

int vfs_write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  OpenFile* f = of(file);
  if (!f->captured) return f->real()->pMethods->xWrite(f->real(), from, bytes, offset);
  const ByteView data(static_cast<const std::byte*>(from), static_cast<size_t>(bytes));
  const Status written = wait_for([&](db::Done done) {
    (*f->database)
        ->write(f->kind, *f->target, static_cast<uint64_t>(offset), data, std::move(done));
  });
  return code_of(written, SQLITE_IOERR_WRITE);
}

int vfs_truncate(sqlite3_file* file, sqlite3_int64 bytes) {
  OpenFile* f = of(file);
  if (!f->captured) return f->real()->pMethods->xTruncate(f->real(), bytes);
  const Status cut = wait_for([&](db::Done done) {
    (*f->database)->truncate(f->kind, *f->target, static_cast<uint64_t>(bytes), std::move(done));
  });
  return code_of(cut, SQLITE_IOERR_TRUNCATE);
}

int vfs_sync(sqlite3_file* file, int flags) {
  OpenFile* f = of(file);
  if (!f->captured) return f->real()->pMethods->xSync(f->real(), flags);
  const Status synced =
      wait_for([&](db::Done done) { (*f->database)->sync(f->kind, *f->target, std::move(done)); });
  return code_of(synced, SQLITE_IOERR_FSYNC);
}

int vfs_file_size(sqlite3_file* file, sqlite3_int64* size) {
  return of(file)->real()->pMethods->xFileSize(of(file)->real(), size);
}
int vfs_lock(sqlite3_file* file, int level) {
  return of(file)->real()->pMethods->xLock(of(file)->real(), level);
}
int vfs_unlock(sqlite3_file* file, int level) {
  return of(file)->real()->pMethods->xUnlock(of(file)->real(), level);
}
int vfs_check_lock(sqlite3_file* file, int* reserved) {
  return of(file)->real()->pMethods->xCheckReservedLock(of(file)->real(), reserved);
}
int vfs_file_control(sqlite3_file* file, int op, void* arg) {
  if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_NOTFOUND;
  return of(file)->real()->pMethods->xFileControl(of(file)->real(), op, arg);
}
int vfs_sector_size(sqlite3_file* file) {
  return of(file)->real()->pMethods->xSectorSize(of(file)->real());
}
int vfs_characteristics(sqlite3_file* file) {
  return of(file)->real()->pMethods->xDeviceCharacteristics(of(file)->real());
}
int vfs_shm_map(sqlite3_file* file, int page, int bytes, int extend, void volatile** at) {
  return of(file)->real()->pMethods->xShmMap(of(file)->real(), page, bytes, extend, at);
}
int vfs_shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return of(file)->real()->pMethods->xShmLock(of(file)->real(), offset, n, flags);
}
void vfs_shm_barrier(sqlite3_file* file) {
  of(file)->real()->pMethods->xShmBarrier(of(file)->real());
}
int vfs_shm_unmap(sqlite3_file* file, int remove) {
  return of(file)->real()->pMethods->xShmUnmap(of(file)->real(), remove);
}

const sqlite3_io_methods kMethods = {2,
                                     vfs_close,
                                     vfs_read,
                                     vfs_write,
                                     vfs_truncate,
                                     vfs_sync,
                                     vfs_file_size,
                                     vfs_lock,
                                     vfs_unlock,
                                     vfs_check_lock,
                                     vfs_file_control,
                                     vfs_sector_size,
                                     vfs_characteristics,
                                     vfs_shm_map,
                                     vfs_shm_lock,
                                     vfs_shm_barrier,
                                     vfs_shm_unmap,
                                     nullptr,
                                     nullptr};

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  CapturedVfs* owner = owner_of(vfs);
  sqlite3_vfs* real = sqlite3_vfs_find("unix");
  OpenFile* f = of(file);
  f->base.pMethods = nullptr;
  f->path = nullptr;
  f->database = nullptr;
  f->target = nullptr;
  f->captured = false;
  std::optional<db::FileKind> kind;
  if (name != nullptr) {
    std::string database_name;
    const std::string path = owner->file_of(name, &database_name, &kind);
    f->path = sqlite3_create_filename(path.c_str(), "", "", 0, nullptr);
    if (kind) {
      auto database = owner->try_database(database_name);
      if (!database) {
        sqlite3_free_filename(f->path);
        return SQLITE_CANTOPEN;
      }
      f->database = new std::shared_ptr<db::Database>(*std::move(database));
      f->kind = *kind;
      f->captured = true;
      const auto opened = (flags & SQLITE_OPEN_CREATE) != 0 ? (*f->database)->create_file(*kind)
                                                            : (*f->database)->open_file(*kind);
      if (!opened) {
        sqlite3_free_filename(f->path);
        delete f->database;
        return opened.error().code() == Errc::kReadOnly ? SQLITE_READONLY : SQLITE_CANTOPEN;
      }
      f->target = new std::shared_ptr<os::File>(*opened);
    }
  }
  const int code = real->xOpen(real, f->path, f->real(), flags & ~SQLITE_OPEN_EXCLUSIVE, out_flags);
  f->base.pMethods = &kMethods;
  if (code != SQLITE_OK) {
    vfs_close(file);
    f->base.pMethods = nullptr;
  }
  return code;
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync_dir) {
  CapturedVfs* owner = owner_of(vfs);
  std::string database_name;
  std::optional<db::FileKind> kind;
  const std::string path = owner->file_of(name, &database_name, &kind);
  if (!kind) {
    sqlite3_vfs* real = sqlite3_vfs_find("unix");
    return real->xDelete(real, path.c_str(), sync_dir);
  }
  const Status removed = wait_for([&](db::Done done) {
    owner->database(database_name)
        ->remove(
            *kind,
            [path, owner]() -> Status {
              return owner->file_system().remove(os::Site("file:unlink"), path);
            },
            std::move(done));
  });
  if (!removed && removed.error().code() == Errc::kNotFound) return SQLITE_IOERR_DELETE_NOENT;
  return code_of(removed, SQLITE_IOERR_DELETE);
}

int vfs_access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  const std::string path = owner_of(vfs)->file_of(name, nullptr, nullptr);
  sqlite3_vfs* real = sqlite3_vfs_find("unix");
  return real->xAccess(real, path.c_str(), flags, result);
}

int vfs_full_path(sqlite3_vfs*, const char* name, int bytes, char* out) {
  std::snprintf(out, static_cast<size_t>(bytes), "%s", name);
  return SQLITE_OK;
}

}  // namespace

CapturedVfs::CapturedVfs(const db::Environment& environment, std::string vfs_name, std::string root)
    : CapturedVfs(environment, std::move(vfs_name), std::move(root), {}) {}

CapturedVfs::CapturedVfs(const db::Environment& environment, std::string vfs_name, std::string root,
                         Find find)
    : env_(environment),
      root_(std::move(root)),
      find_(std::move(find)),
      impl_(std::make_unique<Impl>()) {
  std::filesystem::create_directories(root_ + "/dbs");
  impl_->name = std::move(vfs_name);
  impl_->unix_vfs = sqlite3_vfs_find("unix");
  impl_->vfs = *impl_->unix_vfs;
  impl_->vfs.pNext = nullptr;
  impl_->vfs.zName = impl_->name.c_str();
  impl_->vfs.pAppData = this;
  impl_->vfs.szOsFile = static_cast<int>(sizeof(OpenFile)) + impl_->unix_vfs->szOsFile;
  impl_->vfs.xOpen = vfs_open;
  impl_->vfs.xDelete = vfs_delete;
  impl_->vfs.xAccess = vfs_access;
  impl_->vfs.xFullPathname = vfs_full_path;
  sqlite3_vfs_register(&impl_->vfs, 0);
}

CapturedVfs::~CapturedVfs() {
  sqlite3_vfs_unregister(&impl_->vfs);
}

std::shared_ptr<db::Database> CapturedVfs::database(const std::string& name) {
  auto opened = try_database(name);
  INVARIANT(opened.has_value());
  return *std::move(opened);
}

Result<std::shared_ptr<db::Database>> CapturedVfs::try_database(const std::string& name) {
  if (find_) return find_(name);
  auto& slot = databases_[name];
  if (!slot) {
    const std::string dir = root_ + "/dbs/" + name;
    std::filesystem::create_directories(dir);
    TRY_ASSIGN(slot, db::Database::open(env_, name, dir));
  }
  return slot;
}

std::string CapturedVfs::file_of(const std::string& sqlite_path, std::string* database_name,
                                 std::optional<db::FileKind>* kind) const {
  std::string name = sqlite_path.substr(sqlite_path.rfind('/') + 1);
  const size_t super = name.find("-mj");
  if (super != std::string::npos) return root_ + "/" + name;
  db::FileKind found = db::FileKind::kDatabase;
  for (const auto candidate : {db::FileKind::kJournal, db::FileKind::kWal, db::FileKind::kShm}) {
    if (name.ends_with(db::suffix(candidate))) {
      found = candidate;
      name.resize(name.size() - db::suffix(candidate).size());
    }
  }
  if (database_name != nullptr) *database_name = name;
  if (kind != nullptr) *kind = found;
  return root_ + "/dbs/" + name + "/" + std::string(db::backing_name(found));
}

}  // namespace skerry::test
