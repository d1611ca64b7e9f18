// Preloaded into a process that uses SQLite: stops it at the worst moment of a commit in WAL mode,
// when the last frame is written and the wal-index does not show it yet.
//
// SQLite writes a frame as its header (24 bytes, the database's size in pages behind the page
// number if it ends a transaction) and then its page.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

enum { kFrameHeaderBytes = 24, kCommitAt = 4 };

ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  static ssize_t (*next)(int, const void*, size_t, off64_t);
  static __thread int commit_fd = -1;
  if (next == NULL) next = (ssize_t(*)(int, const void*, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
  const ssize_t written = next(fd, data, bytes, offset);
  const uint8_t* field = (const uint8_t*)data + kCommitAt;
  if (bytes == kFrameHeaderBytes && offset > 0) {
    commit_fd = (field[0] | field[1] | field[2] | field[3]) != 0 ? fd : -1;
  } else if (fd == commit_fd) {
    commit_fd = -1;
    raise(SIGSTOP);
  }
  return written;
}
