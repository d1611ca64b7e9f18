// A SQLite VFS that does without a mount what the mount does with one: files live in the data
// folder's layout, and every change to them goes through db::Database. So real SQLite drives the
// capture in milliseconds, in one process.
//
// The database "NAME" of a connection is opened as "<root>/NAME"; its files are in
// <root>/dbs/NAME/.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/db/database.h"

namespace skerry::test {

class CapturedVfs {
 public:
  // Registers itself with SQLite as VFS `vfs_name`; one at a time under a name.
  CapturedVfs(const db::Environment& environment, std::string vfs_name, std::string root);
  // Its databases are somebody else's, who opens or makes them.
  using Find = std::function<std::shared_ptr<db::Database>(const std::string& name)>;
  CapturedVfs(const db::Environment& environment, std::string vfs_name, std::string root,
              Find find);
  ~CapturedVfs();
  CapturedVfs(const CapturedVfs&) = delete;
  CapturedVfs& operator=(const CapturedVfs&) = delete;

  // Opens it, creating its folder, if need be.
  [[nodiscard]] std::shared_ptr<db::Database> database(const std::string& name);
  [[nodiscard]] Result<std::shared_ptr<db::Database>> try_database(const std::string& name);
  [[nodiscard]] os::FileSystem& file_system() const { return env_.fs; }
  // Lets go of the objects without closing them, as a killed process does; no file may be open.
  void forget_databases() { databases_.clear(); }
  [[nodiscard]] std::string file_of(const std::string& sqlite_path, std::string* database_name,
                                    std::optional<db::FileKind>* kind) const;

 private:
  struct Impl;
  const db::Environment env_;
  const std::string root_;
  const Find find_;
  std::map<std::string, std::shared_ptr<db::Database>> databases_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::test
