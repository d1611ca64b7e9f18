// The crash matrix: at every call of the file system that a workload makes, in each journal mode
// and on a replica, the process ends, or the call fails (EIO, ENOSPC); and recovery itself ends at
// each of its calls.
// Afterwards the database must be whole, hold what was acknowledged and nothing that was refused,
// and stand at the position that its pages sum up to.
//
//   crash_matrix [--long] [--seconds N] [--seed N] [--only TEXT] [--folder DIR]
//
// By default as many points as fit into the time are drawn by a seed that is printed, from every
// site in its turn; --long tries all. Exit code 1 if a point fails.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string_view>

#include "tests/crash/points.h"

namespace skerry::test {
namespace {

constexpr size_t kFailuresShownMax = 20;

struct Options {
  bool everything = false;
  long seconds = 90;
  uint64_t seed = std::random_device()();
  std::string only;  // part of "<mode> <site>=<action>@<n>"
  std::string folder;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (arg == "--long") {
      options.everything = true;
      continue;
    }
    if (arg == "--seconds") options.seconds = std::atol(value);
    if (arg == "--seed") options.seed = std::strtoull(value, nullptr, 10);
    if (arg == "--only") options.only = value;
    if (arg == "--folder") options.folder = value;
    ++i;
  }
  return options;
}

std::string name_of(const Point& point) {
  return fmt::format("{} {}={}@{}", mode_name(point.mode), point.site, point.action, point.nth);
}

class Matrix {
 public:
  Matrix(const Options& options, std::string folder)
      : options_(options), folder_(std::move(folder)), random_(options.seed) {}

  int run() {
    if (!look()) return 1;
    order();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options_.seconds);
    size_t tried = 0;
    for (const Point& point : points_) {
      if (!options_.everything && std::chrono::steady_clock::now() > end) break;
      ++tried;
      report(name_of(point), try_point(point, undisturbed_[point.mode], folder_));
      if (point.action != "kill" || random_() % kTwiceOneIn != 0) continue;
      ++tried;
      try_twice(point);
    }
    fmt::print("{} points, {} bad states ({} known points, seed {})\n", tried, failures_,
               points_.size(), options_.seed);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  static constexpr unsigned kTwiceOneIn = 4;

  bool look() {
    for (size_t mode = 0; mode < mode_count(); ++mode) {
      undisturbed_.push_back(run_undisturbed(mode, folder_));
      const Undisturbed& seen = undisturbed_.back();
      if (!seen.problem.empty()) {
        fmt::print("{}: the undisturbed run fails: {}\n", mode_name(mode), seen.problem);
        return false;
      }
      std::map<std::string, unsigned> counts;
      for (const std::string& site : seen.trace) {
        const unsigned nth = ++counts[site];
        for (const char* action : {"kill", "EIO", "ENOSPC"}) add({mode, site, nth, action});
      }
    }
    return true;
  }

  void add(Point point) {
    if (!options_.only.empty() && !name_of(point).contains(options_.only)) return;
    points_.push_back(std::move(point));
  }

  void order() {
    if (options_.everything) return;
    std::ranges::shuffle(points_, random_);
    // Each site in its turn, so that those that are called a thousand times do not crowd out
    // others.
    std::map<std::string, size_t> drawn;
    std::vector<std::pair<size_t, Point>> ranked;
    for (Point& point : points_) {
      const std::string group = fmt::format("{} {} {}", point.mode, point.site, point.action);
      ranked.emplace_back(drawn[group]++, std::move(point));
    }
    std::ranges::stable_sort(ranked, {}, [](const auto& entry) { return entry.first; });
    points_.clear();
    for (auto& [rank, point] : ranked) points_.push_back(std::move(point));
  }

  void try_twice(const Point& point) {
    bool reached = false;
    const unsigned nth = 1 + static_cast<unsigned>(random_() % 60);
    const std::string problem =
        try_point_twice(point, nth, undisturbed_[point.mode], folder_, reached);
    report(fmt::format("{}, then *=kill@{}", name_of(point), nth), problem);
  }

  void report(const std::string& name, const std::string& problem) {
    if (problem.empty()) return;
    ++failures_;
    if (failures_ <= kFailuresShownMax) fmt::print("BAD {}: {}\n", name, problem);
    std::fflush(stdout);
  }

  const Options& options_;
  const std::string folder_;
  std::mt19937_64 random_;
  std::vector<Undisturbed> undisturbed_;
  std::vector<Point> points_;
  size_t failures_ = 0;
};

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  // In memory where there is such a folder: nothing here depends on the disk.
  const std::string base = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
  std::string folder = options.folder;
  if (folder.empty()) {
    folder = base + "/skerry-crash-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
      std::perror("mkdtemp");
      return 1;
    }
  }
  const int code = Matrix(options, folder + "/node").run();
  std::error_code ignored;
  if (options.folder.empty()) std::filesystem::remove_all(folder, ignored);
  return code;
}

}  // namespace
}  // namespace skerry::test

int main(int argc, char** argv) {
  return skerry::test::run(argc, argv);
}
