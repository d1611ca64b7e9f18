// The client's side of proof.h. Blocks as call() does.
#pragma once

#include "daemon/net/http_client.h"
#include "daemon/net/proof.h"

namespace skerry::net {

inline constexpr std::chrono::milliseconds kProveMax{10'000};

// Asks the server for a challenge, makes sure that it knows the secret, and returns the header
// (kProofHeader) for one request there. kDenied: it does not know the secret.
[[nodiscard]] Result<std::string> prove_call(const std::string& secret, const std::string& method,
                                             const std::string& url,
                                             const std::string& body_digest,
                                             std::chrono::milliseconds at_most = kProveMax);

// The same for a call between nodes, whose body is there; nothing without a secret.
[[nodiscard]] Status add_proof(Call& call, const std::string& secret, ByteView body);

// Adds what this process can prove, from its environment: SKERRY_CLUSTER_SECRET, else the token in
// the file that SKERRY_TOKEN_FILE names; else nothing, which is enough on the node's own machine
// for root and for the node's user. A call with a body says its digest.
[[nodiscard]] Status add_credentials(Call& call, const std::string& body_digest = digest_of({}));

}  // namespace skerry::net
