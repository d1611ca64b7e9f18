// The node as one thread saw it last; looked at anew when its version says so, which costs a
// request one atomic load.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/config/address.h"
#include "proxy/node_view.h"
#include "proxy/settings.h"

namespace skerry::proxy {

class NodeCache {
 public:
  NodeCache(const NodeView& node, const Settings& settings) : node_(node), settings_(settings) {}

  // Before the rest is read.
  void refresh();

  [[nodiscard]] uint64_t version() const { return version_; }
  [[nodiscard]] const NodeState& state() const { return state_; }
  [[nodiscard]] Freshness freshness() const { return node_.freshness(); }
  [[nodiscard]] const std::vector<DbPosition>& positions() const { return positions_; }
  // Nothing: no primary is known, or nobody knows where its proxy is.
  [[nodiscard]] const std::optional<config::Address>& primary() const { return primary_; }

  // The token for a client that carried `seen`; empty if that would say the same.
  [[nodiscard]] std::string_view token_after(const std::optional<Token>& seen,
                                             std::string_view seen_text, Standing standing);

 private:
  [[nodiscard]] std::string_view fresh_token();

  const NodeView& node_;
  const Settings& settings_;
  bool seen_ = false;
  uint64_t version_ = 0;
  NodeState state_;
  std::vector<DbPosition> positions_;
  std::optional<config::Address> primary_;
  std::string fresh_;    // of a client without one; empty: not made yet
  std::string special_;  // the last made for one client
};

}  // namespace skerry::proxy
