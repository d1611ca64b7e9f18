#include "daemon/store/store.h"

#include <fmt/format.h>

#include <cerrno>

namespace skerry::store {

Status check_name(const std::string& name) {
  if (name.size() > kNameBytesMax) {
    return fail(Errc::kInvalid, "the name is longer than 255 bytes", ENAMETOOLONG);
  }
  if (name.empty() || name == "." || name == ".." || name.contains('/') || name.contains('\0')) {
    return fail(Errc::kInvalid, fmt::format("\"{}\" cannot be the name of a database", name),
                EINVAL);
  }
  return {};
}

Result<std::unique_ptr<Store>> Store::open(const db::Environment& environment,
                                           std::string data_dir) {
  std::unique_ptr<Store> store(new Store(environment, std::move(data_dir)));
  TRY(store->load());
  return store;
}

std::string Store::dir_of(const std::string& name) const {
  return data_dir_ + "/dbs/" + name;
}

Status Store::load() {
  TRY(env_.fs.make_directory(os::Site("store:directory"), data_dir_ + "/dbs"));
  TRY_ASSIGN(const auto entries, env_.fs.list(data_dir_ + "/dbs"));
  for (const os::DirEntry& entry : entries) {
    if (!entry.is_directory) continue;
    auto opened = db::Database::open(env_, entry.name, dir_of(entry.name));
    if (opened) {
      databases_.emplace(entry.name, std::move(*opened));
    } else {
      broken_.push_back({entry.name, std::move(opened).error()});
    }
  }
  return {};
}

std::shared_ptr<db::Database> Store::find(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto found = databases_.find(name);
  return found == databases_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<db::Database>> Store::find_or_create(const std::string& name) {
  if (auto found = find(name)) return found;
  TRY(check_name(name));
  const std::unique_lock lock(mutex_);
  const auto found = databases_.find(name);
  if (found != databases_.end()) return found->second;
  for (const Broken& broken : broken_) {
    if (broken.name == name) return std::unexpected(broken.error);
  }
  TRY(env_.fs.make_directory(os::Site("store:create"), dir_of(name)));
  TRY_ASSIGN(auto created, db::Database::open(env_, name, dir_of(name)));
  databases_.emplace(name, created);
  return created;
}

std::vector<std::shared_ptr<db::Database>> Store::list() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<db::Database>> all;
  all.reserve(databases_.size());
  for (const auto& [name, database] : databases_) all.push_back(database);
  return all;
}

void Store::remove_if_void(const std::string& name) {
  const std::unique_lock lock(mutex_);
  const auto found = databases_.find(name);
  if (found == databases_.end() || !found->second->is_void()) return;
  const std::string dir = dir_of(name);
  databases_.erase(found);
  // Best effort: a folder that stays is opened again at the next start.
  (void)os::remove_if_exists(env_.fs, os::Site("store:remove"), dir + "/checksums");
  (void)env_.fs.remove_directory(os::Site("store:remove"), dir + "/log");
  (void)env_.fs.remove_directory(os::Site("store:remove"), dir);
}

Status Store::close() {
  Status result;
  for (const auto& database : list()) {
    if (auto closed = database->close(); !closed) result = std::move(closed);
  }
  return result;
}

}  // namespace skerry::store
