#include "daemon/app/node/upkeep_log.h"

#include <fmt/format.h>

namespace skerry::app {

void UpkeepLog::sync_failed(const db::Database& database, const Error& error) {
  log::write(sync_failed_, log::Level::kError, "sync-failed",
             error.message() +
                 "; nothing of the history is removed until this succeeds: check the "
                 "disk of the data folder",
             {{"db", database.name()}});
}

void UpkeepLog::retention_failed(const db::Database& database, const Error& error) {
  log::write(retention_failed_, log::Level::kError, "retention-failed",
             error.message() + "; the history stays as it is, and this is tried again",
             {{"db", database.name()}});
}

void UpkeepLog::retained(const db::Database& database, const db::RetentionResult& result) {
  log::debug("retention",
             fmt::format("removed {} files, merged into {}, freed {} bytes", result.removed,
                         result.merged, result.freed_bytes),
             {{"db", database.name()}});
}

void UpkeepLog::verified(const db::Database& database, uint32_t pages) {
  log::info("verified", "after an end without order, every page is what was committed",
            {{"db", database.name()}, {"pages", pages}});
}

void UpkeepLog::damaged(const db::Database& database, const Error& error) {
  log::error("database-damaged", error.message(), {{"db", database.name()}});
}

}  // namespace skerry::app
