// One connection to the kernel: libfuse's low-level session over a descriptor of /dev/fuse that
// somebody else opened and keeps, so that sessions may follow one another on it.
//
// The first one negotiates (negotiate()); each later one replays what the kernel asked then, and
// has the kernel send again what its predecessor left unanswered (FUSE_NOTIFY_RESEND, Linux 6.9).
#pragma once

#include <memory>

#include "daemon/fusefs/directory.h"
#include "daemon/os/fd.h"

namespace skerry::fusefs {

// The kernel's INIT request as it came. Kept by the keeper for the workers.
struct Handshake {
  Bytes init_request;
  bool can_resend = false;  // the kernel knows FUSE_NOTIFY_RESEND
};

// Answers the kernel's first request on a fresh connection. Blocks until it comes (at once).
[[nodiscard]] Result<Handshake> negotiate(int fuse_fd);

// Told of what a person may want to know.
class SessionLog {
 public:
  virtual ~SessionLog() = default;
  // A write was refused because this node may not write.
  virtual void refused(int pid, const std::string& database, const Error& error) = 0;
  // A call that the mount does not serve.
  virtual void unsupported(int pid, const char* call, const std::string& name) = 0;
  virtual void failed(const char* call, const Error& error) = 0;
  // A write was refused because the disk of the data folder is full. Must not block.
  virtual void disk_full(const Error& error) = 0;
};

class Session {
 public:
  // `directory` and `log` must outlive it. Takes a duplicate of `fuse_fd`.
  [[nodiscard]] static Result<std::unique_ptr<Session>> open(int fuse_fd,
                                                             const Handshake& handshake,
                                                             Directory& directory, SessionLog& log);
  ~Session();

  // Starts to answer. `resend`: ask for what a predecessor left.
  [[nodiscard]] Status start(bool resend);
  // Returns when the mount is gone.
  void wait();

  // Any thread but those that answer requests, which these calls may wait for.
  void invalidate_node(uint64_t id, uint64_t offset, uint64_t bytes);  // as Notifier's calls say
  void invalidate_name(const std::string& name);
  // The kernel has the file in memory: somebody may have it open.
  [[nodiscard]] bool kernel_knows(uint64_t id);
  // Puts content into the kernel's cache of a file, if it has the file.
  void store(uint64_t id, uint64_t offset, ByteView data);

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Descriptors that this thread opens in the mount are this process's own: closing them asks nothing
// of it. Called in each thread that does so, and when it ends: its id may be an application's next.
void register_own_thread();
void unregister_own_thread();

}  // namespace skerry::fusefs
