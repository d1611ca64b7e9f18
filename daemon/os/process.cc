#include "daemon/os/process.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

namespace skerry::os {

static std::string read_proc(pid_t pid, std::string_view what) {
  const std::string path = fmt::format("/proc/{}/{}", pid, what);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) return {};
  std::array<char, 1024> text{};
  const size_t n = std::fread(text.data(), 1, text.size(), file.get());
  return {text.data(), n};
}

// Of a "stat" file of /proc.
static bool shows_end(const std::string& stat) {
  constexpr unsigned kExiting = 4;  // PF_EXITING
  const size_t behind_name = stat.rfind(')');
  if (behind_name == std::string::npos) return true;
  char state = 0;
  unsigned flags = 0;
  const int n =
      std::sscanf(stat.c_str() + behind_name + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags);
  return n == 2 && (state == 'Z' || state == 'X' || (flags & kExiting) != 0);
}

bool is_ending(pid_t pid) {
  if (pid <= 0) return false;  // not visible from here
  return shows_end(read_proc(pid, "stat"));
}

bool is_ending(pid_t pid, pid_t tid) {
  return shows_end(read_proc(pid, fmt::format("task/{}/stat", tid)));
}

std::string program_of(pid_t pid) {
  std::string name = read_proc(pid, "comm");
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name;
}

}  // namespace skerry::os
