#include "daemon/app/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace skerry::app {
namespace {

constexpr size_t kBarColumns = 20;
constexpr size_t kColumnsDefault = 80;
constexpr double kSecondsShownMax = 99.0 * 3600;

std::string human_size(double bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  // 999.5 and more would round to a fourth digit.
  for (; bytes >= 999.5 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  const int decimals = unit > 0 && bytes < 9.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", bytes, decimals, kUnits[unit]);
}

std::string human_time(uint64_t seconds) {
  if (seconds >= 3600) {
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

double share_of(const ProgressState& state) {
  if (state.total_bytes == 0) return 0;
  return std::min(1.0,
                  static_cast<double>(state.done_bytes) / static_cast<double>(state.total_bytes));
}

std::string bar(double share) {
  const auto filled = static_cast<size_t>(share * kBarColumns);
  return fmt::format("[{}{}]", std::string(filled, '#'), std::string(kBarColumns - filled, ' '));
}

std::string figures(const ProgressState& state) {
  const double rate = state.elapsed.count() > 0 ? 1000.0 * static_cast<double>(state.done_bytes) /
                                                      static_cast<double>(state.elapsed.count())
                                                : 0;
  const std::string done = human_size(static_cast<double>(state.done_bytes));
  if (state.total_bytes == 0) return fmt::format("{}  {}/s", done, human_size(rate));
  std::string text =
      fmt::format("{:3.0f}%  {} of {}  {}/s", 100 * share_of(state), done,
                  human_size(static_cast<double>(state.total_bytes)), human_size(rate));
  const uint64_t left_bytes = state.total_bytes - std::min(state.done_bytes, state.total_bytes);
  const double seconds = rate > 0 ? static_cast<double>(left_bytes) / rate : 0;
  if (seconds > 0 && seconds < kSecondsShownMax) {
    text += fmt::format("  {} left", human_time(static_cast<uint64_t>(std::llround(seconds))));
  }
  return text;
}

size_t columns_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsDefault;
  return size.ws_col;
}

}  // namespace

std::string progress_line(const ProgressState& state, size_t columns) {
  const std::string right = figures(state);
  if (state.total_bytes > 0) {
    std::string full = fmt::format("{}  {}  {}", state.label, bar(share_of(state)), right);
    if (full.size() <= columns) return full;
  }
  return fmt::format("{}  {}", state.label, right).substr(0, columns);
}

Progress::Progress(std::string label, uint64_t total_bytes, int fd)
    : label_(std::move(label)), total_bytes_(total_bytes), fd_(fd), visible_(::isatty(fd) == 1) {}

Progress::~Progress() {
  finish();
}

void Progress::update(uint64_t done_bytes, Clock::time_point now) {
  done_bytes_ = done_bytes;
  if (!visible_ || finished_ || (drawn_ && now < *drawn_ + kRedrawInterval)) return;
  draw(now);
}

void Progress::finish(Clock::time_point now) {
  if (visible_ && !finished_ && drawn_) {
    draw(now);
    (void)!::write(fd_, "\n", 1);
  }
  finished_ = true;
}

void Progress::draw(Clock::time_point now) {
  drawn_ = now;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - start_);
  const std::string line =
      progress_line({label_, done_bytes_, total_bytes_, elapsed}, columns_of(fd_) - 1);
  const std::string text = fmt::format("\r{}\x1b[K", line);  // and clear to the right
  // A terminal that takes nothing loses the bar, not the work.
  (void)!::write(fd_, text.data(), text.size());
}

}  // namespace skerry::app
