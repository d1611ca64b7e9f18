#include "daemon/app/node/mount_log.h"

#include "daemon/os/process.h"

namespace skerry::app {

void MountLog::refused(int pid, const std::string& database, const Error& error) {
  log::write(refused_, log::Level::kWarn, "write-refused", error.message(),
             {{"db", database}, {"pid", pid}, {"program", os::program_of(pid)}});
}

void MountLog::unsupported(int pid, const char* call, const std::string& name) {
  log::write(unsupported_, log::Level::kWarn, "call-unsupported",
             "the mount is a flat folder of databases and does not serve this",
             {{"call", call}, {"name", name}, {"pid", pid}, {"program", os::program_of(pid)}});
}

void MountLog::failed(const char* call, const Error& error) {
  log::write(failed_, log::Level::kError, "call-failed", error.message(), {{"call", call}});
}

}  // namespace skerry::app
