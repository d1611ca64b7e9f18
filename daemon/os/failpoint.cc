#include "daemon/os/failpoint.h"

#ifdef SKERRY_FAILPOINTS

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace skerry::os {
namespace {

constexpr int kKill = -1;

struct Rule {
  std::string site;
  int action = kKill;  // or the errno
  unsigned nth = 1;
  bool and_later = false;
  unsigned calls = 0;
};

int action_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 5> kActions{
      {{"kill", kKill}, {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EACCES", EACCES}, {"ENOMEM", ENOMEM}}};
  for (const auto& [known, action] : kActions) {
    if (name == known) return action;
  }
  std::abort();  // a misspelt rule would make a test that cannot fail
}

Rule parse_rule(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) std::abort();
  Rule rule;
  rule.site = text.substr(0, equals);
  std::string_view action = text.substr(equals + 1);
  if (const size_t at = action.find('@'); at != std::string_view::npos) {
    std::string_view nth = action.substr(at + 1);
    rule.and_later = nth.ends_with('+');
    std::from_chars(nth.data(), nth.data() + nth.size(), rule.nth);
    action = action.substr(0, at);
  }
  rule.action = action_of(action);
  return rule;
}

void append(int fd, const char* site) {
  const std::string line = std::string(site) + "\n";
  if (::write(fd, line.data(), line.size()) < 0) std::abort();
}

class Failpoints {
 public:
  Failpoints() {
    const char* rules = std::getenv("SKERRY_FAILPOINTS");
    for (std::string_view rest = rules != nullptr ? rules : ""; !rest.empty();) {
      const size_t comma = std::min(rest.find(','), rest.size());
      rules_.push_back(parse_rule(rest.substr(0, comma)));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    if (const char* log = std::getenv("SKERRY_FAILPOINT_LOG")) {
      log_ = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
    if (const char* trace = std::getenv("SKERRY_FAILPOINT_TRACE")) {
      trace_ = ::open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
    active_ = !rules_.empty() || log_ >= 0 || trace_ >= 0;
  }

  int reach(const char* site) {
    if (!active_) return 0;
    const std::lock_guard lock(mutex_);
    if (trace_ >= 0) append(trace_, site);
    if (log_ >= 0 && seen_.insert(site).second) append(log_, site);
    for (Rule& rule : rules_) {
      if (rule.site != site && rule.site != "*") continue;
      ++rule.calls;
      if (rule.calls != rule.nth && !(rule.and_later && rule.calls > rule.nth)) continue;
      if (rule.action != kKill) return rule.action;
      ::kill(::getpid(), SIGKILL);
      ::pause();
    }
    return 0;
  }

 private:
  std::mutex mutex_;
  std::vector<Rule> rules_;
  std::set<std::string> seen_;
  int log_ = -1;
  int trace_ = -1;
  bool active_ = false;
};

}  // namespace

int failpoint(Site site) {
  static Failpoints failpoints;
  return failpoints.reach(site.label);
}

}  // namespace skerry::os

#endif
