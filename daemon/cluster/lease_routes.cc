#include "daemon/cluster/lease_routes.h"

#include "daemon/net/http_message.h"

namespace skerry::cluster {

static Result<std::string> read_body(net::Request& request) {
  std::string body;
  std::array<std::byte, 4096> piece{};
  while (body.size() < net::kSmallBodyBytesMax) {
    TRY_ASSIGN(const size_t n, request.body->read(piece));
    if (n == 0) break;
    for (size_t i = 0; i < n; ++i) body += static_cast<char>(piece[i]);
  }
  return body;
}

static Result<std::string> answer_promise(net::Request& request, lease::ConsulLeaser& leaser) {
  TRY_ASSIGN(const std::string body, read_body(request));
  TRY_ASSIGN(const lease::PromiseRequest asked, lease::decode_promise_request(body));
  return lease::encode_promise(leaser.promise(asked));
}

void add_lease_routes(net::Router& router, lease::ConsulLeaser& leaser) {
  router.add(std::string(lease::kPositionPath), "GET", net::RunsOn::kIoThread,
             [&leaser](net::Request&) {
               return net::json_response(200, lease::encode_report(leaser.report()));
             });
  router.add(std::string(lease::kPromisePath), "POST", net::RunsOn::kIoThread,
             [&leaser](net::Request& request) {
               auto answer = answer_promise(request, leaser);
               if (!answer) return net::error_response(answer.error());
               return net::json_response(200, *std::move(answer));
             });
}

}  // namespace skerry::cluster
