#include "daemon/config/exec.h"

#include "daemon/config/words.h"
#include "ltx/base/invariant.h"

namespace skerry::config {

Status complete(ExecCommand& command) {
  const bool blank = command.cmd.find_first_not_of(" \t\r\n") == std::string::npos;
  if (blank) return fail(Errc::kInvalid, "the command is empty; write it, or remove the entry");
  if (command.shell) {
    command.argv = {"/bin/sh", "-c", command.cmd};
    return {};
  }
  TRY_ASSIGN(command.argv, split_words(command.cmd));
  if (!command.argv.front().empty()) return {};
  return fail(Errc::kInvalid, "the command begins with an empty word; write a program first");
}

ExecCommand exec_of(std::vector<std::string> argv) {
  INVARIANT(!argv.empty());
  ExecCommand command;
  command.cmd = join_words(argv);
  command.argv = std::move(argv);
  return command;
}

}  // namespace skerry::config
