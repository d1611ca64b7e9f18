// What the mount has to tell, as log lines at a pace that a person can read.
#pragma once

#include <atomic>
#include <functional>

#include "daemon/fusefs/session.h"
#include "daemon/log/log.h"

namespace skerry::app {

class MountLog final : public fusefs::SessionLog {
 public:
  void refused(int pid, const std::string& database, const Error& error) override;
  void unsupported(int pid, const char* call, const std::string& name) override;
  void failed(const char* call, const Error& error) override;
  void disk_full(const Error& error) override;

  // Called, on a request thread, when a write finds the disk full; to be set before the mount is
  // served.
  void on_disk_full(std::function<void()> call) { on_disk_full_ = std::move(call); }

  struct Counters {
    std::atomic<uint64_t> refused{0};
    std::atomic<uint64_t> unsupported{0};
    std::atomic<uint64_t> failed{0};
    std::atomic<uint64_t> disk_full{0};
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  Counters counters_;
  log::Limiter refused_{std::chrono::seconds(1)};
  log::Limiter unsupported_{std::chrono::seconds(1)};
  log::Limiter failed_{std::chrono::seconds(1)};
  log::Limiter disk_full_{std::chrono::seconds(10)};
  std::function<void()> on_disk_full_ = [] {};
};

}  // namespace skerry::app
