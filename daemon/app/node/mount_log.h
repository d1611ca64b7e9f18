// What the mount has to tell, as log lines at a pace that a person can read.
#pragma once

#include "daemon/fusefs/session.h"
#include "daemon/log/log.h"

namespace skerry::app {

class MountLog final : public fusefs::SessionLog {
 public:
  void refused(int pid, const std::string& database, const Error& error) override;
  void unsupported(int pid, const char* call, const std::string& name) override;
  void failed(const char* call, const Error& error) override;

 private:
  log::Limiter refused_{std::chrono::seconds(1)};
  log::Limiter unsupported_{std::chrono::seconds(1)};
  log::Limiter failed_{std::chrono::seconds(1)};
};

}  // namespace skerry::app
