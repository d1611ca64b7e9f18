// The applier of a node with a mount.
//
// Threads: see applier.h. One thread of its own makes checkpoints and lets go of databases that
// nothing comes for ("checkpoint"). start() once the mount is served; stop() closes every
// descriptor in the mount, which would keep it busy, and lets nothing begin any more.
#pragma once

#include <map>
#include <set>
#include <thread>

#include "daemon/apply/transfer.h"
#include "daemon/store/store.h"

namespace skerry::apply {

class NodeApplier final : public Applier {
 public:
  NodeApplier(os::FileSystem& fs, os::Clock& clock, const peer::OwnMount& mount,
              db::KernelCache& cache, store::Store& store);
  ~NodeApplier() override;

  // First does what recovery left to be done.
  void start();
  void stop();

  Result<std::unique_ptr<Incoming>> begin(const std::string& database,
                                          const ltx::Header& header) override;
  Result<std::unique_ptr<Image>> begin_image(const std::string& database,
                                             const ltx::Header& header) override;
  Result<std::unique_ptr<Incoming>> begin_import(const std::string& database, PageSize page_size,
                                                 uint32_t pages) override;
  Status checkpoint(const std::string& database) override;
  std::vector<Obstacle> obstacles() const override { return obstacles_.list(); }

 private:
  [[nodiscard]] std::shared_ptr<Desk> desk_of(std::shared_ptr<db::Database> database);
  // The database, made if there is none, and the right to change it.
  [[nodiscard]] Result<std::unique_ptr<Turn>> take_turn(const std::string& database);
  [[nodiscard]] Result<std::unique_ptr<Incoming>> open(std::unique_ptr<Turn> turn,
                                                       const ltx::Header& header, bool own);
  void redo_all();
  void run();

  os::FileSystem& fs_;
  os::Clock& clock_;
  store::Store& store_;
  Obstacles obstacles_;
  Surroundings around_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Desk>> desks_;  // guarded by mutex_
  std::set<std::string> due_;                           // guarded by mutex_
  std::thread thread_;
};

}  // namespace skerry::apply
