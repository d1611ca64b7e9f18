#include "daemon/app/node/mount_log.h"

#include "daemon/os/process.h"

namespace skerry::app {

void MountLog::refused(int pid, const std::string& database, const Error& error) {
  counters_.refused.fetch_add(1, std::memory_order_relaxed);
  log::write(refused_, log::Level::kWarn, "write-refused", error.message(),
             {{"db", database}, {"pid", pid}, {"program", os::program_of(pid)}});
}

void MountLog::unsupported(int pid, const char* call, const std::string& name) {
  counters_.unsupported.fetch_add(1, std::memory_order_relaxed);
  log::write(unsupported_, log::Level::kWarn, "call-unsupported",
             "the mount is a flat folder of databases and does not serve this",
             {{"call", call}, {"name", name}, {"pid", pid}, {"program", os::program_of(pid)}});
}

void MountLog::failed(const char* call, const Error& error) {
  counters_.failed.fetch_add(1, std::memory_order_relaxed);
  log::write(failed_, log::Level::kError, "call-failed", error.message(), {{"call", call}});
}

void MountLog::disk_full(const Error& error) {
  counters_.disk_full.fetch_add(1, std::memory_order_relaxed);
  log::write(disk_full_, log::Level::kError, "disk-full",
             error.message() +
                 "; the write was refused and nothing is lost: old history is removed "
                 "now, but make room on the disk of the data folder");
  on_disk_full_();
}

}  // namespace skerry::app
