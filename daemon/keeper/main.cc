#include <sys/prctl.h>
#include <unistd.h>

#include <string>

#include "daemon/keeper/keeper.h"
#include "daemon/keeper/log.h"
#include "daemon/keeper/protocol.h"

int main() {
  ::prctl(PR_SET_NAME, "skerry-keeper");
  std::string text;
  char part[4096];
  for (ssize_t n = 0; (n = ::pread(skerry::keeper::kPlanFd, part, sizeof part,
                                   static_cast<off_t>(text.size()))) > 0;) {
    text.append(part, static_cast<size_t>(n));
  }
  skerry::keeper::Plan plan;
  if (!skerry::keeper::decode(text, &plan)) {
    skerry::keeper::log_line("keeper-plan",
                             "the plan on descriptor 6 is damaged; the keeper is "
                             "started by \"skerry mount\" only");
    return 1;
  }
  skerry::keeper::log_as_json(plan.log_json);
  return skerry::keeper::Keeper(std::move(plan)).run();
}
