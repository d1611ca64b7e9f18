// Who may change something through the node API, and who may follow this node's stream:
//
//   from this machine   root and the node's own user; others with the token in <data>/token, which
//                       only those two can read (header Skerry-Token)
//   from elsewhere      who proves to know the cluster's secret (proof.h); nobody without one
//   other nodes         streams and what hands the primary over: with the proof; where there is no
//                       secret, anybody, as LiteFS's nodes have none
//
// Threads: any.
#pragma once

#include <map>
#include <mutex>

#include "daemon/log/limiter.h"
#include "daemon/net/proof.h"
#include "daemon/net/router.h"
#include "daemon/os/clock.h"
#include "daemon/os/file_system.h"

namespace skerry::net {

inline constexpr size_t kChallengesMax = 1024;

class ChangeGuard {
 public:
  // Makes <data>/token if it is not there. An empty secret: there is none.
  [[nodiscard]] static Result<std::unique_ptr<ChangeGuard>> open(os::FileSystem& fs,
                                                                 os::Clock& clock,
                                                                 const std::string& data_dir,
                                                                 std::string secret);

  // GET /skerry/challenge, and itself as the guard of changes and of nodes. Outlives the server.
  void add_to(Router& router);

  [[nodiscard]] bool has_secret() const { return !secret_.empty(); }
  // Nothing: it may. Takes the proof of the body's digest into the body.
  [[nodiscard]] std::optional<Response> check_change(Request& request);
  [[nodiscard]] std::optional<Response> check_stream(const Request& request);
  [[nodiscard]] Response challenge(const Request& request);

 private:
  ChangeGuard(os::Clock& clock, std::string data_dir, std::string secret)
      : clock_(clock), token_path_(data_dir + "/token"), secret_(std::move(secret)) {}
  [[nodiscard]] Status load_token(os::FileSystem& fs);
  [[nodiscard]] Response refused(const Request& request, const std::string& why);
  [[nodiscard]] bool is_local(const Request& request) const;
  // The digest that the body must have.
  [[nodiscard]] Result<std::string> check_proof(const Request& request, std::string_view header);
  [[nodiscard]] bool use_challenge(const std::string& nonce);

  os::Clock& clock_;
  const std::string token_path_;
  const std::string secret_;
  std::string token_;
  log::Limiter limiter_;
  std::mutex mutex_;
  std::map<std::string, os::MonotonicTime> challenges_;  // guarded by mutex_: until when
};

}  // namespace skerry::net
