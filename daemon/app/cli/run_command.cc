#include "daemon/app/cli/run_command.h"

namespace skerry::app {

void declare(FlagSet& flags, RunCommand& command) {
  declare_url(flags, command.url);
  flags.boolean("promote", command.promote, "become the primary first");
  flags.boolean("if-candidate", command.if_candidate,
                "do nothing, successfully, on a node that cannot be primary");
  flags.text("with-halt-lock-on", command.with_halt_lock_on, "DBPATH",
             "halt the primary's writers of this database meanwhile");
  flags.boolean("v", command.verbose, "say what is done");
  flags.command_after_dashes(command.argv);
}

Status check(const RunCommand& command) {
  if (!command.argv || command.argv->empty() || command.argv->front().empty()) {
    return fail(Errc::kInvalid, "no command to run; write it after \"--\"");
  }
  if (command.promote && !command.with_halt_lock_on.empty()) {
    return fail(Errc::kInvalid,
                "-promote and -with-halt-lock-on exclude each other, for the primary needs no halt "
                "lock; leave one out");
  }
  return check_url(command.url);
}

}  // namespace skerry::app
