#include "proxy/relay/node_cache.h"

#include "proxy/primary_address.h"

namespace skerry::proxy {

void NodeCache::refresh() {
  const uint64_t version = node_.version();
  if (seen_ && version == version_) return;
  seen_ = true;
  version_ = version;  // read first: what changes meanwhile is seen next time
  NodeState state = node_.state();
  node_.positions(positions_);
  if (!(state == state_)) {
    state_ = std::move(state);
    primary_ = primary_proxy(state_, settings_.forward_url, settings_.own_port);
  }
  fresh_.clear();
}

std::string_view NodeCache::fresh_token() {
  if (fresh_.empty()) {
    fresh_ = encode(advanced(Token(), positions_, state_.epoch, true), settings_.secret);
  }
  return fresh_;
}

std::string_view NodeCache::token_after(const std::optional<Token>& seen,
                                        std::string_view seen_text, Standing standing) {
  if (positions_.empty()) return {};
  const bool final = state_.is_primary || standing == Standing::kLost || !seen;
  if (final) {
    const std::string_view token = fresh_token();
    return token == seen_text ? std::string_view() : token;
  }
  const Token next = advanced(*seen, positions_, state_.epoch, false);
  if (next == *seen) return {};
  special_ = encode(next, settings_.secret);
  return special_;
}

}  // namespace skerry::proxy
