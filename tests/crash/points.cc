#include "tests/crash/points.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string_view>

#include "tests/crash/apply_points.h"
#include "tests/crash/node.h"
#include "tests/crash/trial.h"

namespace skerry::test {
namespace {

// To the first error, or to the end.
std::string run_all(const Mode& mode, const std::string& folder,
                    const std::function<void(size_t, CrashNode&)>& after_step) {
  CrashNode node(folder, mode, Shared::instance().boot);
  for (size_t i = 0; i < steps().size(); ++i) {
    if (const int code = node.run(steps()[i]); code != SQLITE_OK) {
      return fmt::format("step {}: error {}", i + 1, code);
    }
    Shared::instance().done = i + 1;
    after_step(i, node);
  }
  return "";
}

// SQLite does some things after the commit, and reports what happens there: it cuts the file's
// unused end off; and it syncs a journal that ends by zeros in its header, as with exclusive locks.
bool may_fail_after_commit(const Point& point) {
  const bool ends_by_zeros = std::string_view(modes()[point.mode].pragmas).contains("exclusive");
  return point.site == "database:truncate" || (point.site == "journal:sync" && ends_by_zeros);
}

// A step whose call fails is not done, and is done when it is tried again.
std::string run_with_failures(const Point& point, const std::string& folder,
                              const Undisturbed& expected) {
  const bool after_commit = may_fail_after_commit(point);
  CrashNode node(folder, modes()[point.mode], Shared::instance().boot);
  for (size_t i = 0; i < steps().size(); ++i) {
    int code = SQLITE_OK;
    for (unsigned tries = 0; tries < kTrialTriesMax; ++tries) {
      code = node.run(steps()[i]);
      if (code == SQLITE_OK) break;
      node.reconnect();
      const std::string now = node.digest();
      // Removing several files cannot be undone half-way.
      const bool half_way = after_commit || steps()[i].act == Act::kDrop;
      if (half_way && now == expected.digests[i + 1]) {
        code = SQLITE_OK;
        break;
      }
      if (now != expected.digests[i] && now != "?") {
        return fmt::format("step {} was refused (error {}), but left {} instead of {}", i + 1, code,
                           now, expected.digests[i]);
      }
    }
    if (code != SQLITE_OK) return fmt::format("step {} never succeeds: error {}", i + 1, code);
    std::string now = node.digest();
    if (now == "?") {
      node.reconnect();
      now = node.digest();
    }
    if (now != expected.digests[i + 1]) {
      return fmt::format("step {} left {} instead of {}", i + 1, now, expected.digests[i + 1]);
    }
  }
  return node.inconsistency();
}

// Opens what the end left, and holds it against what the steps that returned promise.
std::string check_survivor(const Mode& mode, const std::string& folder,
                           const Undisturbed& expected) {
  const size_t done = Shared::instance().done;
  CrashNode node(folder, mode, Shared::instance().boot);
  const std::string now = node.digest();
  const size_t due = std::min(done + 1, expected.digests.size() - 1);
  if (now != expected.digests[done] && now != expected.digests[due]) {
    return fmt::format("after step {}: found {}, not {} or {}", done, now, expected.digests[done],
                       expected.digests[due]);
  }
  if (std::string wrong = node.inconsistency(); !wrong.empty()) {
    return fmt::format("after step {}: {}", done, wrong);
  }
  const int code = node.run({Act::kSql,
                             "create table if not exists t(id integer primary key, v); "
                             "insert into t(v) values('afterwards')"});
  if (code != SQLITE_OK) return fmt::format("after step {}: cannot be written: {}", done, code);
  if (std::string wrong = node.inconsistency(); !wrong.empty()) {
    return fmt::format("after step {} and a write: {}", done, wrong);
  }
  return "";
}

// Every second time recovery takes the end for a power cut, in which nothing happened to be lost.
void perhaps_boot(const Point& point) {
  if (point.nth % 2 == 0) ++Shared::instance().boot;
}

std::string rule(const Point& point) {
  return fmt::format("{}={}@{}", point.site, point.action, point.nth);
}

}  // namespace

size_t mode_count() {
  return modes().size() + apply_modes().size();
}

std::string mode_name(size_t mode) {
  return mode < modes().size() ? modes()[mode].name
                               : "apply-" + apply_modes()[mode - modes().size()];
}

Undisturbed run_undisturbed(size_t mode, const std::string& folder) {
  if (mode >= modes().size()) return run_apply_undisturbed(mode - modes().size(), folder);
  make_anew(folder);
  const std::string trace = folder + "/trace";
  const std::string digests = folder + "/digests";
  const Ended ended = in_child(
      "", trace, [&] { return run_all(modes()[mode], folder, [](size_t, CrashNode&) {}); });
  Undisturbed result;
  result.problem = ended.killed ? "killed" : ended.problem;
  std::ifstream traced(trace);
  for (std::string line; std::getline(traced, line);) result.trace.push_back(line);
  // Looking at the content costs calls of its own, so it has a run of its own.
  make_anew(folder);
  const Ended looked = in_child("", "", [&] {
    std::ofstream out(digests);
    out << "0\n";
    return run_all(modes()[mode], folder,
                   [&](size_t, CrashNode& node) { out << node.digest() << "\n"; });
  });
  if (result.problem.empty()) result.problem = looked.killed ? "killed" : looked.problem;
  std::ifstream said(digests);
  for (std::string line; std::getline(said, line);) result.digests.push_back(line);
  if (result.problem.empty() && result.digests.size() != steps().size() + 1) {
    result.problem = "steps are missing";
  }
  return result;
}

std::string try_point(const Point& point, const Undisturbed& undisturbed,
                      const std::string& folder) {
  make_anew(folder);
  Shared::instance().done = 0;
  if (point.mode >= modes().size()) {
    return try_apply_point(point.mode - modes().size(), point, undisturbed, folder);
  }
  const Mode& mode = modes()[point.mode];
  if (point.action != "kill") {
    return in_child(rule(point), "", [&] { return run_with_failures(point, folder, undisturbed); })
        .problem;
  }
  const Ended ended =
      in_child(rule(point), "", [&] { return run_all(mode, folder, [](size_t, CrashNode&) {}); });
  if (!ended.problem.empty()) return ended.problem;
  perhaps_boot(point);
  return in_child("", "", [&] { return check_survivor(mode, folder, undisturbed); }).problem;
}

std::string try_point_twice(const Point& point, unsigned nth, const Undisturbed& undisturbed,
                            const std::string& folder, bool& reached) {
  make_anew(folder);
  Shared::instance().done = 0;
  if (point.mode >= modes().size()) {
    return try_apply_point_twice(point.mode - modes().size(), point, nth, undisturbed, folder,
                                 reached);
  }
  const Mode& mode = modes()[point.mode];
  const Ended first =
      in_child(rule(point), "", [&] { return run_all(mode, folder, [](size_t, CrashNode&) {}); });
  if (!first.problem.empty()) return first.problem;
  perhaps_boot(point);
  const Ended second = in_child(fmt::format("*=kill@{}", nth), "", [&] {
    CrashNode node(folder, mode, Shared::instance().boot);
    (void)node.digest();
    return std::string();
  });
  reached = second.killed;
  return in_child("", "", [&] { return check_survivor(mode, folder, undisturbed); }).problem;
}

}  // namespace skerry::test
