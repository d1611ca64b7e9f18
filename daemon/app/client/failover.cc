// skerry failover: asks a node to have the primary moved.

#include "daemon/app/cli/failover_command.h"
#include "daemon/app/client/failover_report.h"
#include "daemon/app/client/outcome.h"
#include "daemon/config/duration.h"
#include "daemon/net/proven_call.h"

namespace skerry::app {

// Beyond -timeout: the steps after the lease moved, or the way back, and two nodes' answers.
static constexpr std::chrono::seconds kAnswerMargin{20};

static Result<net::Reply> ask(const FailoverCommand& command) {
  net::Call call;
  call.method = "POST";
  call.url = net::make_url(command.url, "/skerry/failover",
                           {{"to", command.to},
                            {"timeout", config::format_duration(command.parsed_timeout)},
                            {"dry-run", command.dry_run ? "true" : "false"}});
  call.silence_max = std::chrono::ceil<std::chrono::seconds>(command.parsed_timeout) + kAnswerMargin;
  call.total_max = call.silence_max;
  TRY(net::add_credentials(call));
  return net::call(call);
}

int execute(const FailoverCommand& command) {
  const auto reply = ask(command);
  if (!reply) return emit(failure(reply.error()));
  const bool done = reply->status == 200;
  const auto report = failover_report(reply->body);
  if (!report) {  // a line of text: why it was not even tried
    if (done) return emit(failure(report.error()));
    return emit(failure({Errc::kUnavailable, reply->body.substr(0, reply->body.find('\n'))}));
  }
  const std::string& out = command.json ? reply->body : *report;
  return emit({done ? 0 : kExitRunError, command.json || done ? out : "",
               command.json || done ? "" : "ERROR: " + out});
}

}  // namespace skerry::app
