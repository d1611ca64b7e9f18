// Proofs that both sides of a call know the cluster's secret, which itself is never sent:
//
//   client                                       server
//   GET /skerry/challenge?nonce=C ─────────────▶
//          ◀─────────────  S, proof of (C, S)         the client goes on only if that is right
//   request, Skerry-Proof: C S D proof of (C, S, method, path, query, D) ▶
//
// C and S are 128 random bits, S is good for one request and for kChallengeLasts; D is the SHA-256
// of the body. A proof is an HMAC-SHA-256 over all that it binds. So none can be used twice, for
// something else, or with another body.
//
// Pure, but for make_nonce(). Threads: any.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "daemon/net/http_message.h"

namespace skerry::net {

inline constexpr const char* kChallengePath = "/skerry/challenge";
inline constexpr const char* kProofHeader = "Skerry-Proof";
inline constexpr const char* kTokenHeader = "Skerry-Token";
inline constexpr std::chrono::seconds kChallengeLasts{30};
// Shorter ones are guessed.
inline constexpr size_t kSecretBytesMin = 16;

// SHA-256 of what was added, in 64 hexadecimal digits.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  void add(ByteView data);
  [[nodiscard]] std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};
[[nodiscard]] std::string digest_of(ByteView data);

// 32 hexadecimal digits.
[[nodiscard]] std::string make_nonce();
[[nodiscard]] bool is_nonce(std::string_view text);

struct Proof {
  std::string client_nonce;
  std::string server_nonce;
  std::string body_digest;
  std::string mac;
  [[nodiscard]] std::string header() const;
};
[[nodiscard]] std::optional<Proof> parse_proof(std::string_view header);

[[nodiscard]] std::string server_mac(std::string_view secret, std::string_view client_nonce,
                                     std::string_view server_nonce);
// `proof` without its mac.
[[nodiscard]] std::string call_mac(std::string_view secret, const Proof& proof,
                                   std::string_view method, std::string_view path,
                                   const Query& query);
// In a time that does not tell where they differ.
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b);

}  // namespace skerry::net
