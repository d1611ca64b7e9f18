#include "daemon/net/proven_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace skerry::net {

// "http://host:1/a?b=c": where the path begins.
static Result<size_t> path_of(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return fail(Errc::kInvalid, "not a URL: " + url);
  return std::min(url.find('/', scheme + 3), url.size());
}

Result<std::string> prove_call(const std::string& secret, const std::string& method,
                               const std::string& url, const std::string& body_digest,
                               std::chrono::milliseconds at_most) {
  TRY_ASSIGN(const size_t path, path_of(url));
  const std::string target = path == url.size() ? "/" : url.substr(path);
  TRY_ASSIGN(const Target parsed, parse_target(target));
  Proof proof{make_nonce(), "", body_digest, ""};
  Call ask;
  ask.url = make_url(url.substr(0, path), kChallengePath, {{"nonce", proof.client_nonce}});
  ask.total_max = at_most;
  ask.connect_deadline = std::min(ask.connect_deadline, at_most);
  TRY_ASSIGN(const Reply reply, call(ask));
  // "<server nonce> <mac>\n"
  const size_t space = reply.body.find(' ');
  const bool answered = reply.status == 200 && space != std::string::npos;
  if (answered) proof.server_nonce = reply.body.substr(0, space);
  const std::string_view mac =
      answered ? std::string_view(reply.body).substr(space + 1, 64) : std::string_view();
  if (!is_nonce(proof.server_nonce) ||
      !same_secret(mac, server_mac(secret, proof.client_nonce, proof.server_nonce))) {
    return fail(Errc::kDenied,
                fmt::format("{} does not prove that it knows cluster.secret: set the same secret "
                            "on all nodes",
                            url.substr(0, path)));
  }
  proof.mac = call_mac(secret, proof, method, parsed.path, parsed.query);
  return proof.header();
}

Status add_proof(Call& call, const std::string& secret, ByteView body) {
  if (secret.empty()) return {};
  const auto at_most = call.total_max.count() > 0 ? std::min(call.total_max, kProveMax) : kProveMax;
  TRY_ASSIGN(std::string header,
             prove_call(secret, call.method, call.url, digest_of(body), at_most));
  call.headers.set(kProofHeader, std::move(header));
  return {};
}

Status add_credentials(Call& call, const std::string& body_digest) {
  if (const char* secret = std::getenv("SKERRY_CLUSTER_SECRET"); secret != nullptr && *secret) {
    TRY_ASSIGN(std::string header, prove_call(secret, call.method, call.url, body_digest));
    call.headers.set(kProofHeader, std::move(header));
    return {};
  }
  const char* path = std::getenv("SKERRY_TOKEN_FILE");
  if (path == nullptr || *path == '\0') return {};
  std::ifstream file(path);
  std::string token;
  if (!std::getline(file, token)) {
    return fail(Errc::kDenied, fmt::format("{} (SKERRY_TOKEN_FILE) cannot be read", path));
  }
  call.headers.set(kTokenHeader, std::move(token));
  return {};
}

}  // namespace skerry::net
