// What the upkeep of databases has to tell, as log lines at a pace that a person can read.
#pragma once

#include "daemon/log/log.h"
#include "daemon/store/upkeep.h"

namespace skerry::app {

class UpkeepLog final : public store::UpkeepLog {
 public:
  void sync_failed(const db::Database& database, const Error& error) override;
  void retention_failed(const db::Database& database, const Error& error) override;
  void retained(const db::Database& database, const db::RetentionResult& result) override;
  void verified(const db::Database& database, uint32_t pages) override;
  void damaged(const db::Database& database, const Error& error) override;

 private:
  log::Limiter sync_failed_{std::chrono::minutes(1)};
  log::Limiter retention_failed_{std::chrono::minutes(10)};
};

}  // namespace skerry::app
