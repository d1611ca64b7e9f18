// The mount's one directory: names to nodes, node ids to nodes, what is created and removed.
//
// Threads: any. Nothing of it touches the mount.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/fusefs/names.h"
#include "daemon/fusefs/stored_file.h"
#include "daemon/fusefs/virtual_file.h"
#include "daemon/store/store.h"

namespace skerry::fusefs {

inline constexpr uint64_t kRootId = 1;
// Ids of files that have no inode behind them; no disk counts that far.
inline constexpr uint64_t kPrimaryId = uint64_t{1} << 62;
inline constexpr uint64_t kLagId = kPrimaryId + 1;
inline constexpr uint64_t kPositionIds = uint64_t{1} << 61;  // + inode number of the folder
inline constexpr uint64_t kLockIds = uint64_t{1} << 60;      // + the same

// What .primary and .lag show.
class NodeFiles {
 public:
  virtual ~NodeFiles() = default;
  // Nothing: this node is the primary, and there is no .primary file.
  [[nodiscard]] virtual std::optional<VirtualFile::Content> primary() = 0;
  [[nodiscard]] virtual VirtualFile::Content lag() = 0;
};

class Directory {
 public:
  // What was removed while open lies in <data>/unlinked until the kernel lets go of it.
  Directory(store::Store& store, os::FileSystem& fs, Hooks& hooks, NodeFiles& node_files);

  // Before the first request of a fresh mount: nothing of an earlier one is open any more.
  [[nodiscard]] Status clear_unlinked();
  // Before the first request of a mount taken over: every file that is there now may be open.
  [[nodiscard]] Status assume_open();

  using NodePtr = std::shared_ptr<Node>;
  [[nodiscard]] Result<NodePtr> lookup(const std::string& name);
  // kNotFound (ESTALE) for an id that stands for nothing.
  [[nodiscard]] Result<NodePtr> find(uint64_t id);
  // `must_be_new`: kExists if the name is taken. `permissions` count if those of the database were
  // chosen.
  [[nodiscard]] Result<NodePtr> create(const std::string& name, bool must_be_new,
                                       uint32_t permissions);
  void remove(const std::string& name, db::Done done);
  void forget(uint64_t id);
  // On a mount taken over: what the kernel let go of and told a predecessor, which ended over it.
  // Not from a request thread.
  [[nodiscard]] Status clear_forgotten(const std::function<bool(uint64_t id)>& kernel_knows);

  struct Entry {
    uint64_t id = 0;
    std::string name;
  };
  // What `ls` shows, ordered by id, so that a reader may go on where it stopped.
  [[nodiscard]] std::vector<Entry> list();
  [[nodiscard]] const std::string& data_dir() const { return store_.data_dir(); }
  // Makes names that came or went durable.
  [[nodiscard]] Status sync();

 private:
  [[nodiscard]] Result<NodePtr> lookup_file(const ParsedName& name);
  [[nodiscard]] Result<NodePtr> lookup_super_journal(const std::string& name, bool create);
  [[nodiscard]] std::vector<os::DirEntry> super_journals(const db::Database& database);
  [[nodiscard]] Result<NodePtr> lookup_virtual(const ParsedName& name);
  [[nodiscard]] Result<NodePtr> intern(const std::shared_ptr<db::Database>& database,
                                       db::FileKind kind, const std::shared_ptr<os::File>& file);
  [[nodiscard]] Result<NodePtr> find_on_disk(uint64_t id);
  [[nodiscard]] Result<NodePtr> create_file(const ParsedName& name, bool must_be_new,
                                            uint32_t permissions);
  void remove_file(const ParsedName& name, db::Done done);
  void note_changed(const std::string& dir);
  [[nodiscard]] Status unlink(StoredFile& node, const std::string& path);
  [[nodiscard]] std::string super_journal_path(const ParsedName& parsed,
                                               const std::string& name) const;
  [[nodiscard]] std::string unlinked_path(uint64_t id) const;

  store::Store& store_;
  os::FileSystem& fs_;
  Hooks& hooks_;
  NodeFiles& node_files_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, NodePtr> nodes_;  // guarded by mutex_
  std::set<std::string> changed_directories_;    // guarded by mutex_
};

}  // namespace skerry::fusefs
