#include "tests/crash/apply_points.h"

#include <fmt/format.h>

#include <fstream>

#include "tests/crash/apply_workload.h"
#include "tests/crash/trial.h"

namespace skerry::test {
namespace {

std::string source_folder(size_t mode, const std::string& folder) {
  return folder + "-source-" + apply_modes()[mode];
}

const PrimaryHistory& history_of(size_t mode, const std::string& folder) {
  static std::vector<PrimaryHistory> all(apply_modes().size());
  if (all[mode].ltx.empty()) all[mode] = PrimaryHistory::load(source_folder(mode, folder));
  return all[mode];
}

// To the first error, or to the end.
std::string run_all(const PrimaryHistory& history, const std::string& folder,
                    std::ostream* digests = nullptr) {
  ApplyCrashNode node(folder, history, Shared::instance().boot);
  if (const Status started = node.start(); !started) return started.error().message();
  if (digests != nullptr) *digests << node.digest() << "\n";
  const auto steps = apply_steps(history);
  for (size_t i = 0; i < steps.size(); ++i) {
    if (const Status done = node.run(steps[i]); !done) {
      return fmt::format("step {}: {}", i + 1, done.error().message());
    }
    Shared::instance().done = i + 1;
    if (digests != nullptr) *digests << node.digest() << "\n";
  }
  return digests != nullptr ? node.integrity() : "";
}

// A step whose call fails is not done, or is, and is done when it is tried again.
std::string run_with_failures(const PrimaryHistory& history, const std::string& folder,
                              const Undisturbed& expected) {
  ApplyCrashNode node(folder, history, Shared::instance().boot);
  if (const Status started = node.start(); !started) return started.error().message();
  const auto steps = apply_steps(history);
  for (size_t i = 0; i < steps.size(); ++i) {
    Status done;
    std::string now;
    for (unsigned tries = 0; tries < kTrialTriesMax; ++tries) {
      done = node.run(steps[i]);
      now = node.digest();
      if (done || now == expected.digests[i + 1]) break;
      if (now != expected.digests[i]) {
        return fmt::format("step {} failed ({}), and left {} instead of {}", i + 1,
                           done.error().message(), now, expected.digests[i]);
      }
      if (tries != 1) continue;
      if (const Status started = node.start(); !started) return started.error().message();
    }
    if (now != expected.digests[i + 1]) {
      return fmt::format("step {} left {} instead of {} ({})", i + 1, now, expected.digests[i + 1],
                         done ? "" : done.error().message());
    }
  }
  return node.integrity();
}

// What an end left stands at the last step that returned, or the next, and goes on from there.
std::string check_survivor(const PrimaryHistory& history, const std::string& folder,
                           const Undisturbed& expected) {
  const size_t done = Shared::instance().done;
  ApplyCrashNode node(folder, history, Shared::instance().boot);
  if (const Status started = node.start(); !started) return started.error().message();
  const auto steps = apply_steps(history);
  const size_t due = std::min(done + 1, steps.size());
  const std::string now = node.digest();
  if (now != expected.digests[done] && now != expected.digests[due]) {
    return fmt::format("after step {}: found {}, not {} or {}", done, now, expected.digests[done],
                       expected.digests[due]);
  }
  if (std::string wrong = node.integrity(); !wrong.empty()) {
    return fmt::format("after step {}: {}", done, wrong);
  }
  for (size_t i = now == expected.digests[due] ? due : done; i < steps.size(); ++i) {
    const Status again = node.run(steps[i]);
    if (!again) return fmt::format("step {} after it: {}", i + 1, again.error().message());
  }
  if (node.digest() != expected.digests.back()) {
    return fmt::format("in the end {} instead of {}", node.digest(), expected.digests.back());
  }
  return node.integrity();
}

std::string rule(const Point& point) {
  return fmt::format("{}={}@{}", point.site, point.action, point.nth);
}

// Ends the process at the point; what is wrong with how it ended.
std::string end_at(const PrimaryHistory& history, const Point& point, const std::string& folder) {
  const Ended ended = in_child(rule(point), "", [&] { return run_all(history, folder); });
  // Every second time recovery takes the end for a power cut, in which nothing happened to be lost.
  if (point.nth % 2 == 0) ++Shared::instance().boot;
  return ended.problem;
}

}  // namespace

const std::vector<std::string>& apply_modes() {
  static const std::vector<std::string> all{"wal", "delete"};
  return all;
}

Undisturbed run_apply_undisturbed(size_t mode, const std::string& folder) {
  Undisturbed result;
  const std::string source = source_folder(mode, folder);
  make_anew(source);
  result.problem =
      in_child("", "", [&] { return PrimaryHistory::make(source, apply_modes()[mode]); }).problem;
  if (!result.problem.empty()) return result;
  const PrimaryHistory& history = history_of(mode, folder);
  const std::string trace = source + "/trace";
  const std::string digests = source + "/digests";
  make_anew(folder);
  result.problem = in_child("", trace, [&] { return run_all(history, folder); }).problem;
  make_anew(folder);
  const Ended looked = in_child("", "", [&] {
    std::ofstream out(digests);
    return run_all(history, folder, &out);
  });
  if (result.problem.empty()) result.problem = looked.problem;
  std::ifstream traced(trace);
  for (std::string line; std::getline(traced, line);) result.trace.push_back(line);
  std::ifstream said(digests);
  for (std::string line; std::getline(said, line);) {
    if (line.contains('?')) result.problem = line;
    result.digests.push_back(line);
  }
  if (result.problem.empty() && result.digests.size() != apply_steps(history).size() + 1) {
    result.problem = "steps are missing";
  }
  return result;
}

std::string try_apply_point(size_t mode, const Point& point, const Undisturbed& undisturbed,
                            const std::string& folder) {
  const PrimaryHistory& history = history_of(mode, folder);
  if (point.action != "kill") {
    return in_child(rule(point), "", [&] {
             return run_with_failures(history, folder, undisturbed);
           }).problem;
  }
  if (std::string problem = end_at(history, point, folder); !problem.empty()) return problem;
  return in_child("", "", [&] { return check_survivor(history, folder, undisturbed); }).problem;
}

std::string try_apply_point_twice(size_t mode, const Point& point, unsigned nth,
                                  const Undisturbed& undisturbed, const std::string& folder,
                                  bool& reached) {
  const PrimaryHistory& history = history_of(mode, folder);
  if (std::string problem = end_at(history, point, folder); !problem.empty()) return problem;
  const Ended second = in_child(fmt::format("*=kill@{}", nth), "", [&] {
    ApplyCrashNode node(folder, history, Shared::instance().boot);
    return node.start() ? std::string() : std::string("does not start");
  });
  reached = second.killed;
  if (!second.problem.empty()) return second.problem;
  return in_child("", "", [&] { return check_survivor(history, folder, undisturbed); }).problem;
}

}  // namespace skerry::test
