// The plan: what the keeper is to do, in a form that a small program reads without a parser. Fields
// end in NUL; numbers are decimal. Order:
//
//   mount folder, unmount helper (path of fusermount3; empty: umount2), milliseconds to stop,
//   can the kernel resend (0/1), stay after a failed start (0/1), log as JSON (0/1),
//   worker: number of arguments, arguments (the first is the program's path)
//   commands: number, each: only on candidates (0/1), number of arguments, arguments
#pragma once

#include <string>
#include <vector>

namespace skerry::keeper {

struct Command {
  bool if_candidate = false;
  bool if_primary = false;
  std::vector<std::string> arguments;
};

struct Plan {
  std::string mount_dir;
  std::string unmount_helper;
  long stop_ms = 5000;
  bool can_resend = true;
  bool stay_on_error = false;
  bool log_json = false;
  std::vector<std::string> worker;
  std::vector<Command> commands;  // the last is supervised, the others run to their end before it
};

[[nodiscard]] std::string encode(const Plan& plan);
[[nodiscard]] bool decode(const std::string& text, Plan* plan);  // false: damaged

}  // namespace skerry::keeper
