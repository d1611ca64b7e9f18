// A bar on stderr for what takes a while. Where stderr is no terminal nothing is printed, so logs
// and scripts do not see it.
//
//   Importing app.db  [#########           ]  45%  1.2 GB of 2.6 GB  118 MB/s  0:12 left
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::app {

struct ProgressState {
  std::string_view label;
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;  // 0: unknown
  std::chrono::milliseconds elapsed{0};
};

// The bar as a line without its end, at most `columns` wide; the bar itself goes first where space
// is short. Pure.
[[nodiscard]] std::string progress_line(const ProgressState& state, size_t columns);

// One thread at a time.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kRedrawInterval{100};

  // `total_bytes` 0: unknown. `fd` is borrowed.
  Progress(std::string label, uint64_t total_bytes, int fd = 2);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap enough for every block: draws at most ten times a second.
  void update(uint64_t done_bytes, Clock::time_point now = Clock::now());

  // Draws the last state. Nothing is drawn afterwards.
  void finish(Clock::time_point now = Clock::now());

 private:
  void draw(Clock::time_point now);

  const std::string label_;
  const uint64_t total_bytes_;
  const int fd_;
  const bool visible_;
  const Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> drawn_;
  uint64_t done_bytes_ = 0;
  bool finished_ = false;
};

}  // namespace skerry::app
