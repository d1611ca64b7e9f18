#include "daemon/net/change_guard.h"

#include <fmt/format.h>

#include "daemon/log/log.h"
#include "daemon/net/local_peer.h"

namespace skerry::net {
namespace {

constexpr uint64_t kTokenBytesMax = 4096;
constexpr uint32_t kOwnerOnly = 0600;

// The body, which must be the one that the proof is of: its last piece is handed out only then.
class ProvenBody final : public ltx::ByteSource {
 public:
  ProvenBody(ltx::ByteSource& body, std::optional<uint64_t> bytes, std::string digest)
      : body_(body), bytes_(bytes), expected_(std::move(digest)) {}

  Result<size_t> read(ByteSpan into) override {
    if (checked_) return size_t{0};
    TRY_ASSIGN(const size_t n, body_.read(into));
    digest_.add(into.first(n));
    done_ += n;
    const bool is_last = (n == 0 && !into.empty()) || (bytes_ && done_ >= *bytes_);
    if (!is_last) return n;
    checked_ = true;
    if (same_secret(digest_.finish(), expected_)) return n;
    return fail(Errc::kDenied, "the body is not the one that Skerry-Proof was made for");
  }

 private:
  ltx::ByteSource& body_;
  const std::optional<uint64_t> bytes_;
  const std::string expected_;
  Digest digest_;
  uint64_t done_ = 0;
  bool checked_ = false;
};

}  // namespace

Response ChangeGuard::refused(const Request& request, const std::string& why) {
  log::write(limiter_, log::Level::kWarn, "change-refused", why,
             {{"peer", request.peer}, {"path", request.path}});
  return text_response(403, why + "\n");
}

Result<std::unique_ptr<ChangeGuard>> ChangeGuard::open(os::FileSystem& fs, os::Clock& clock,
                                                       const std::string& data_dir,
                                                       std::string secret) {
  if (!secret.empty() && secret.size() < kSecretBytesMin) {
    return fail(Errc::kInvalid,
                fmt::format("cluster.secret is shorter than {} characters; make one with "
                            "\"openssl rand -hex 32\"",
                            kSecretBytesMin));
  }
  std::unique_ptr<ChangeGuard> guard(new ChangeGuard(clock, data_dir, std::move(secret)));
  TRY(guard->load_token(fs));
  return guard;
}

// The token of an earlier run stays good: tools may have read it.
Status ChangeGuard::load_token(os::FileSystem& fs) {
  if (os::exists(fs, token_path_)) {
    TRY_ASSIGN(const Bytes raw,
               os::read_file(fs, os::Site("token:read"), token_path_, kTokenBytesMax));
    const std::string_view text = as_text(raw);
    token_ = text.substr(0, text.find('\n'));
    TRY_ASSIGN(const os::FileInfo info, fs.info(token_path_));
    if (is_nonce(token_) && (info.mode & 077) == 0) return {};
  }
  token_ = make_nonce();
  const std::string temporary = token_path_ + ".tmp";
  TRY_ASSIGN(const auto file, fs.open(os::Site("token:open"), temporary, os::OpenMode::kTruncate));
  TRY(file->set_mode(os::Site("token:mode"), kOwnerOnly));
  TRY(file->write_at(os::Site("token:write"), 0, as_bytes(token_ + "\n")));
  return fs.rename(os::Site("token:rename"), temporary, token_path_);
}

void ChangeGuard::add_to(Router& router) {
  router.add(kChallengePath, "GET", RunsOn::kIoThread,
             [this](Request& request) { return challenge(request); });
  router.guard_changes([this](Request& request) { return check_change(request); });
  router.guard_nodes([this](Request& request) {
    return has_secret() ? check_change(request) : std::optional<Response>();
  });
}

Response ChangeGuard::challenge(const Request& request) {
  const std::string& client = request.query.get("nonce");
  if (!is_nonce(client)) {
    return text_response(400, "nonce required: GET /skerry/challenge?nonce=<32 hexadecimal>\n");
  }
  if (!has_secret()) return text_response(404, "this node has no cluster.secret\n");
  const std::string nonce = make_nonce();
  const auto now = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(challenges_, [&](const auto& entry) { return entry.second < now; });
    // Whoever asks for many gets them at the cost of others', but never more room.
    if (challenges_.size() >= kChallengesMax) challenges_.erase(challenges_.begin());
    challenges_.emplace(nonce, now + kChallengeLasts);
  }
  return text_response(200, fmt::format("{} {}\n", nonce, server_mac(secret_, client, nonce)));
}

bool ChangeGuard::use_challenge(const std::string& nonce) {
  const std::lock_guard lock(mutex_);
  const auto found = challenges_.find(nonce);
  if (found == challenges_.end()) return false;
  const bool fresh = found->second >= clock_.now();
  challenges_.erase(found);
  return fresh;
}

Result<std::string> ChangeGuard::check_proof(const Request& request, std::string_view header) {
  if (!has_secret()) {
    return fail(Errc::kDenied, "this node has no cluster.secret: set the same one on all nodes");
  }
  const auto proof = parse_proof(header);
  // The challenge is used up by a wrong proof, too.
  if (!proof || !use_challenge(proof->server_nonce)) {
    return fail(Errc::kDenied, "Skerry-Proof is for no challenge that this node gave lately");
  }
  if (!same_secret(proof->mac,
                   call_mac(secret_, *proof, request.method, request.path, request.query))) {
    return fail(Errc::kDenied,
                "Skerry-Proof was made for another request, or with another cluster.secret");
  }
  return proof->body_digest;
}

// Whom a reverse proxy on this machine speaks for is not known here.
bool ChangeGuard::is_local(const Request& request) const {
  if (!is_loopback(request.peer)) return false;
  for (const char* header : {"X-Forwarded-For", "Forwarded", "Via"}) {
    if (request.headers.find(header) != nullptr) return false;
  }
  return true;
}

std::optional<Response> ChangeGuard::check_change(Request& request) {
  if (const std::string* header = request.headers.find(kProofHeader)) {
    auto digest = check_proof(request, *header);
    if (!digest) return refused(request, digest.error().message());
    request.own_body = std::make_shared<ProvenBody>(*request.body, request.body_bytes, *digest);
    request.body = request.own_body.get();
    return std::nullopt;
  }
  if (is_local(request)) {
    const std::string* token = request.headers.find(kTokenHeader);
    if (token != nullptr && same_secret(*token, token_)) return std::nullopt;
    if (token == nullptr && is_own_user(request.peer)) return std::nullopt;
    return refused(request,
                   fmt::format("on this machine root and the node's user may change something; "
                               "others send the content of {} as {} (SKERRY_TOKEN_FILE names it to "
                               "skerry's commands)",
                               token_path_, kTokenHeader));
  }
  if (has_secret()) {
    return refused(request,
                   "changes from other machines need a proof of cluster.secret: set "
                   "SKERRY_CLUSTER_SECRET for skerry's commands, or run them on the node");
  }
  return refused(request,
                 "changes are taken from this machine alone, because there is no cluster.secret: "
                 "set the same one on all nodes, or run the command on the node");
}

std::optional<Response> ChangeGuard::check_stream(const Request& request) {
  if (!has_secret()) return std::nullopt;
  const std::string* header = request.headers.find(kProofHeader);
  if (header == nullptr) {
    return refused(request,
                   "streams need a proof of cluster.secret: set the same one on all nodes");
  }
  const auto digest = check_proof(request, *header);
  if (!digest) return refused(request, digest.error().message());
  return std::nullopt;
}

}  // namespace skerry::net
