// skerry status: asks a node how it is.

#include "daemon/app/cli/status_command.h"
#include "daemon/app/client/outcome.h"
#include "daemon/app/client/status_report.h"
#include "daemon/net/http_client.h"

namespace skerry::app {

static Result<std::string> ask(const StatusCommand& command) {
  net::Call call;
  call.url = net::make_url(command.url, "/skerry/status");
  TRY_ASSIGN(const net::Reply reply, net::call_and_check(call));
  if (command.json) return reply.body;
  return status_report(reply.body);
}

int execute(const StatusCommand& command) {
  const auto answer = ask(command);
  if (!answer) return emit(failure(answer.error()));
  return emit({0, *answer, ""});
}

}  // namespace skerry::app
