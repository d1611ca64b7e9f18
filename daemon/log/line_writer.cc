#include "daemon/log/line_writer.h"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace skerry::log {
namespace {

using Clock = std::chrono::steady_clock;

// What poll(2) promises to take from a writer without blocking.
constexpr size_t kPipePieceBytes = 4096;

enum class Mode { kNoWait, kPolled };

ssize_t write_some(int fd, std::string_view text, Mode mode) {
  if (mode == Mode::kPolled) {
    return ::write(fd, text.data(), std::min(text.size(), kPipePieceBytes));
  }
  iovec piece{const_cast<char*>(text.data()), text.size()};
  return ::pwritev2(fd, &piece, 1, -1, RWF_NOWAIT);
}

bool is_refusal_of_no_wait(int err) {
  return err == EOPNOTSUPP || err == ENOSYS || err == ESPIPE || err == EINVAL;
}

}  // namespace

bool LineWriter::wait_writable(Deadline deadline) const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd item{fd_, POLLOUT, 0};
  const int ready = ::poll(&item, 1, static_cast<int>(std::max<int64_t>(left, 0)));
  if (ready < 0) return errno == EINTR && Clock::now() < deadline;
  return ready > 0;
}

bool LineWriter::write_all(std::string_view text, Deadline deadline) {
  Mode mode = Mode::kNoWait;
  while (!text.empty()) {
    if (mode == Mode::kPolled && !wait_writable(deadline)) return false;
    const ssize_t written = write_some(fd_, text, mode);
    if (written > 0) {
      torn_ = true;
      text.remove_prefix(static_cast<size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      if (!wait_writable(deadline) || Clock::now() >= deadline) return false;
    } else if (written < 0 && mode == Mode::kNoWait && is_refusal_of_no_wait(errno)) {
      mode = Mode::kPolled;
    } else if (written == 0 || errno != EINTR) {
      return false;
    }
  }
  torn_ = false;
  return true;
}

std::string LineWriter::preface() const {
  std::string text;
  if (torn_) text += '\n';
  if (dropped_ > 0) text += lost_line_(dropped_);
  return text;
}

bool LineWriter::write(std::string_view line) {
  // Lines that already waited once for nothing do not make the next ones wait as well.
  const bool stalled = dropped_ > 0;
  const Deadline deadline = Clock::now() + (stalled ? Clock::duration::zero() : kStallMax);
  // In one piece with the line, or the count would squeeze into the last bytes of a full pipe.
  std::string before = preface();
  if (!write_all(before.empty() ? line : before.append(line), deadline)) {
    ++dropped_;
    return false;
  }
  dropped_ = 0;
  return true;
}

}  // namespace skerry::log
