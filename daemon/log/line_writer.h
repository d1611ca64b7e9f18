// Writes whole lines to a file descriptor without ever waiting long for its reader. A supervisor
// that stops reading a pipe must not stop the daemon with it:
//
// - a line that does not fit waits for room, at most kStallMax; then it is dropped and counted;
// - while the reader stays away, further lines are dropped at once;
// - the first line after it comes back is preceded by the count of what was lost.
//
// On kernels and files that know no non-blocking write for a single call (terminals, disk files)
// the descriptor is polled before each piece, which leaves one gap: another process that fills the
// same pipe between poll and write. The descriptor's own flags are left alone, for the application
// that the daemon supervises shares it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace skerry::log {

inline constexpr std::chrono::milliseconds kStallMax{100};

// Not thread-safe: one writer at a time.
class LineWriter {
 public:
  // The line, in the log's format, that says how many lines were lost.
  using LostLine = std::string (*)(uint64_t count);

  // `fd` is borrowed and must stay open.
  LineWriter(int fd, LostLine lost_line) : fd_(fd), lost_line_(lost_line) {}

  // `line` ends in '\n'. False: dropped, wholly or from some byte on.
  bool write(std::string_view line);

  void redirect(int fd) { fd_ = fd; }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }  // since the last line that got out

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  bool write_all(std::string_view text, Deadline deadline);
  bool wait_writable(Deadline deadline) const;
  [[nodiscard]] std::string preface() const;

  int fd_;
  LostLine lost_line_;
  uint64_t dropped_ = 0;
  bool torn_ = false;  // the last line got out in part: end it before the next
};

}  // namespace skerry::log
