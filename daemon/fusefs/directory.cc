#include "daemon/fusefs/directory.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::fusefs {

Directory::Directory(store::Store& store, os::FileSystem& fs, Hooks& hooks, NodeFiles& node_files)
    : store_(store), fs_(fs), hooks_(hooks), node_files_(node_files) {}

static uint32_t generation_of(const os::FileInfo& info) {
  const auto born = static_cast<uint64_t>(info.created_ns);
  return static_cast<uint32_t>(born ^ (born >> 32));
}

std::string Directory::unlinked_path(uint64_t id) const {
  return fmt::format("{}/unlinked/{}", store_.data_dir(), id);
}

Status Directory::clear_unlinked() {
  const std::string dir = store_.data_dir() + "/unlinked";
  TRY(fs_.make_directory(os::Site("mount:unlinked"), dir));
  TRY_ASSIGN(const auto entries, fs_.list(dir));
  for (const auto& entry : entries) {
    TRY(fs_.remove(os::Site("mount:unlinked"), dir + "/" + entry.name));
  }
  return {};
}

Status Directory::assume_open() {
  TRY(fs_.make_directory(os::Site("mount:unlinked"), store_.data_dir() + "/unlinked"));
  for (const auto& database : store_.list()) {
    for (const auto kind : db::kFileKinds) {
      const auto file = database->open_file(kind);
      if (!file) continue;
      TRY_ASSIGN(const NodePtr node, intern(database, kind, *file));
      node->opens_unknown();
    }
  }
  return {};
}

Result<Directory::NodePtr> Directory::intern(const std::shared_ptr<db::Database>& database,
                                             db::FileKind kind,
                                             const std::shared_ptr<os::File>& file) {
  TRY_ASSIGN(const os::FileInfo info, file->info());
  const std::lock_guard lock(mutex_);
  NodePtr& slot = nodes_[info.inode];
  const auto* known = dynamic_cast<StoredFile*>(slot.get());
  if (known == nullptr || known->file() != file) {
    slot =
        std::make_shared<StoredFile>(info.inode, generation_of(info), database, kind, file, hooks_);
  }
  return slot;
}

Result<Directory::NodePtr> Directory::lookup(const std::string& name) {
  if (name.size() > store::kNameBytesMax) return fail_errno(ENAMETOOLONG, name);
  const ParsedName parsed = parse_name(name);
  switch (parsed.kind) {
    case NameKind::kFile:
      return lookup_file(parsed);
    case NameKind::kSuperJournal:
      return lookup_super_journal(name, false);
    default:
      return lookup_virtual(parsed);
  }
}

Result<Directory::NodePtr> Directory::lookup_file(const ParsedName& name) {
  const auto database = store_.find(name.database);
  if (!database) return fail_errno(ENOENT, name.database);
  TRY_ASSIGN(const auto file, database->open_file(name.file));
  return intern(database, name.file, file);
}

std::string Directory::super_journal_path(const ParsedName& parsed, const std::string& name) const {
  const size_t base = parsed.database.size() + 1;
  return fmt::format("{}/dbs/{}/{}", store_.data_dir(), parsed.database, name.substr(base));
}

std::vector<os::DirEntry> Directory::super_journals(const db::Database& database) {
  auto entries = fs_.list(database.dir()).value_or(std::vector<os::DirEntry>{});
  std::erase_if(entries, [](const os::DirEntry& entry) {
    return parse_name("x-" + entry.name).kind != NameKind::kSuperJournal;
  });
  return entries;
}

Result<Directory::NodePtr> Directory::lookup_super_journal(const std::string& name, bool create) {
  const ParsedName parsed = parse_name(name);
  if (create) TRY(store_.find_or_create(parsed.database));
  const auto mode = create ? os::OpenMode::kCreate : os::OpenMode::kReadWrite;
  TRY_ASSIGN(std::shared_ptr<os::File> file,
             fs_.open(os::Site("file:super-journal:open"), super_journal_path(parsed, name), mode));
  TRY_ASSIGN(const os::FileInfo info, file->info());
  const std::lock_guard lock(mutex_);
  NodePtr& slot = nodes_[info.inode];
  if (!slot || slot->generation() != generation_of(info)) {
    slot = std::make_shared<PlainFile>(info.inode, generation_of(info), std::move(file), 1);
  }
  return slot;
}

Result<Directory::NodePtr> Directory::lookup_virtual(const ParsedName& name) {
  uint64_t id = name.kind == NameKind::kPrimary ? kPrimaryId : kLagId;
  VirtualFile::Make make;
  if (name.kind == NameKind::kPrimary) {
    if (!node_files_.primary()) return fail_errno(ENOENT, ".primary");
    make = [this] { return node_files_.primary().value_or(VirtualFile::Content{}); };
  } else if (name.kind == NameKind::kLag) {
    make = [this] { return node_files_.lag(); };
  } else {
    const auto database = store_.find(name.database);
    if (!database) return fail_errno(ENOENT, name.database);
    TRY_ASSIGN(const os::FileInfo info, fs_.info(database->dir()));
    id = info.inode + (name.kind == NameKind::kPosition ? kPositionIds : kLockIds);
    if (name.kind == NameKind::kPosition) {
      make = [database] { return position_content(*database); };
    } else {
      make = [] { return VirtualFile::Content{}; };
    }
  }
  const std::lock_guard lock(mutex_);
  NodePtr& slot = nodes_[id];
  if (!slot) slot = std::make_shared<VirtualFile>(id, 1, std::move(make));
  return slot;
}

Result<Directory::NodePtr> Directory::find(uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(id);
    if (found != nodes_.end() && found->second) return found->second;
  }
  return find_on_disk(id);
}

// An id that the kernel has from an earlier worker of this mount.
Result<Directory::NodePtr> Directory::find_on_disk(uint64_t id) {
  if (id == kPrimaryId) return lookup_virtual({NameKind::kPrimary, {}, {}});
  if (id == kLagId) return lookup_virtual({NameKind::kLag, {}, {}});
  for (const auto& database : store_.list()) {
    for (const auto kind : db::kFileKinds) {
      const auto file = database->open_file(kind);
      if (!file) continue;
      const auto info = (*file)->info();
      if (info && info->inode == id) return intern(database, kind, *file);
    }
    if (id >= kLockIds) {
      for (const auto kind : {NameKind::kPosition, NameKind::kLock}) {
        auto node = lookup_virtual({kind, {}, database->name()});
        if (node && (*node)->id() == id) return node;
      }
      continue;
    }
    for (const os::DirEntry& entry : super_journals(*database)) {
      if (entry.inode == id) {
        return lookup_super_journal(database->name() + "-" + entry.name, false);
      }
    }
  }
  auto removed =
      fs_.open(os::Site("file:unlinked:open"), unlinked_path(id), os::OpenMode::kReadWrite);
  if (!removed) return fail(Errc::kNotFound, fmt::format("no file has the id {}", id), ESTALE);
  TRY_ASSIGN(const os::FileInfo info, (*removed)->info());
  const std::lock_guard lock(mutex_);
  NodePtr& slot = nodes_[id];
  if (!slot) {
    slot = std::make_shared<PlainFile>(id, generation_of(info), std::move(*removed), 0);
  }
  return slot;
}

Result<Directory::NodePtr> Directory::create(const std::string& name, bool must_be_new,
                                             uint32_t permissions) {
  if (name.size() > store::kNameBytesMax) return fail_errno(ENAMETOOLONG, name);
  const ParsedName parsed = parse_name(name);
  if (parsed.kind == NameKind::kSuperJournal) return lookup_super_journal(name, true);
  if (parsed.kind == NameKind::kFile) return create_file(parsed, must_be_new, permissions);
  return fail(Errc::kDenied, fmt::format("{}: this name is the mount's own", name), EACCES);
}

Result<Directory::NodePtr> Directory::create_file(const ParsedName& name, bool must_be_new,
                                                  uint32_t permissions) {
  TRY_ASSIGN(const auto database, store_.find_or_create(name.database));
  const bool is_new = !database->open_file(name.file).has_value();
  if (must_be_new && !is_new) return fail_errno(EEXIST, name.database);
  auto file = database->create_file(name.file);
  if (!file) {
    store_.remove_if_void(name.database);
    return std::unexpected(std::move(file).error());
  }
  note_changed(database->dir());
  TRY_ASSIGN(NodePtr node, intern(database, name.file, *file));
  const auto beside = database->open_file(db::FileKind::kDatabase);
  if (is_new && beside && name.file != db::FileKind::kDatabase) {
    TRY_ASSIGN(const NodePtr main, intern(database, db::FileKind::kDatabase, *beside));
    if (main->has_chosen_permissions()) TRY(node->set_permissions(permissions));
  }
  return node;
}

void Directory::remove(const std::string& name, db::Done done) {
  const ParsedName parsed = parse_name(name);
  if (parsed.kind == NameKind::kFile) {
    remove_file(parsed, std::move(done));
  } else if (parsed.kind == NameKind::kSuperJournal) {
    done(fs_.remove(os::Site("file:super-journal:remove"), super_journal_path(parsed, name)));
  } else {
    done(fail(Errc::kDenied, fmt::format("{}: this file is the mount's own", name), EACCES));
  }
}

// Whoever has the file open goes on with it, under a later worker too: then it needs a name.
Status Directory::unlink(StoredFile& node, const std::string& path) {
  if (node.may_be_open()) {
    TRY(fs_.rename(os::Site("file:unlink"), path, unlinked_path(node.id())));
  } else {
    TRY(fs_.remove(os::Site("file:unlink"), path));
  }
  node.unlinked();
  return {};
}

void Directory::remove_file(const ParsedName& name, db::Done done) {
  auto node = lookup_file(name);
  if (!node) {
    done(std::unexpected(std::move(node).error()));
    return;
  }
  const auto file = std::static_pointer_cast<StoredFile>(*node);
  const auto& database = file->database();
  const std::string path = database->path(name.file);
  note_changed(database->dir());
  database->remove(
      name.file, [this, file, path]() -> Status { return unlink(*file, path); },
      [this, name, done = std::move(done)](Status status) mutable {
        const bool removed = status.has_value();
        done(std::move(status));
        if (removed) store_.remove_if_void(name.database);
      });
}

// The kernel lets go of a file, and with it of every descriptor; or gives back a lookup that it had
// no use for, which can only be of a file that has a name.
void Directory::forget(uint64_t id) {
  bool has_name = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(id);
    if (found != nodes_.end()) {
      const Node* node = found->second.get();
      has_name = node != nullptr && !node->is_unlinked();
      if (has_name && node->may_be_open()) return;
      nodes_.erase(found);
    }
  }
  // Not there if nobody had it open when its name went.
  if (!has_name) (void)os::remove_if_exists(fs_, os::Site("file:forget"), unlinked_path(id));
}

Status Directory::clear_forgotten(const std::function<bool(uint64_t id)>& kernel_knows) {
  TRY_ASSIGN(const auto entries, fs_.list(store_.data_dir() + "/unlinked"));
  for (const auto& entry : entries) {
    if (!kernel_knows(entry.inode)) forget(entry.inode);
  }
  return {};
}

std::vector<Directory::Entry> Directory::list() {
  std::vector<Entry> entries;
  for (const auto& database : store_.list()) {
    for (const auto kind : db::kFileKinds) {
      const auto file = database->open_file(kind);
      if (!file) continue;
      if (const auto info = (*file)->info()) {
        entries.push_back({info->inode, database->name() + std::string(suffix(kind))});
      }
    }
    for (const os::DirEntry& entry : super_journals(*database)) {
      entries.push_back({entry.inode, database->name() + "-" + entry.name});
    }
  }
  if (node_files_.primary()) entries.push_back({kPrimaryId, ".primary"});
  entries.push_back({kLagId, ".lag"});
  std::ranges::sort(entries, {}, &Entry::id);
  return entries;
}

void Directory::note_changed(const std::string& dir) {
  const std::lock_guard lock(mutex_);
  changed_directories_.insert(dir);
}

Status Directory::sync() {
  std::set<std::string> todo;
  {
    const std::lock_guard lock(mutex_);
    todo.swap(changed_directories_);
  }
  for (const std::string& dir : todo) {
    auto synced = fs_.sync_directory(os::Site("directory:sync"), dir);
    if (!synced && synced.error().code() != Errc::kNotFound) return synced;
  }
  return {};
}

}  // namespace skerry::fusefs
