// All databases of a node: the data folder, as LiteFS lays it out (dbs/<name>/…).
//
// Threads: any. Databases are shared_ptrs, so that one may be in use while it is removed.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "daemon/db/database.h"

namespace skerry::store {

// File systems end a name here; a database's folder has its name.
inline constexpr size_t kNameBytesMax = 255;

class Store {
 public:
  // Opens and recovers every database in <data_dir>/dbs. One that cannot be opened is reported in
  // `broken` and left as it is; the others are served.
  struct Broken {
    std::string name;
    Error error;
  };
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const db::Environment& environment,
                                                           std::string data_dir);

  [[nodiscard]] const std::string& data_dir() const { return data_dir_; }
  [[nodiscard]] const std::vector<Broken>& broken() const { return broken_; }

  // Null if there is none of that name.
  [[nodiscard]] std::shared_ptr<db::Database> find(const std::string& name) const;
  [[nodiscard]] Result<std::shared_ptr<db::Database>> find_or_create(const std::string& name);
  [[nodiscard]] std::vector<std::shared_ptr<db::Database>> list() const;
  // Removes the folder of a database that has no files and never had a transaction.
  void remove_if_void(const std::string& name);

  [[nodiscard]] Status close();

 private:
  Store(const db::Environment& environment, std::string data_dir)
      : env_(environment), data_dir_(std::move(data_dir)) {}
  [[nodiscard]] std::string dir_of(const std::string& name) const;
  [[nodiscard]] Status load();

  const db::Environment env_;
  const std::string data_dir_;
  std::vector<Broken> broken_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<db::Database>> databases_;  // guarded by mutex_
};

// Nothing if the name may be a database's, else why not.
[[nodiscard]] Status check_name(const std::string& name);

}  // namespace skerry::store
