// What the proxy sees of the node, and all that it sees. The daemon implements it; tests have their
// own.
//
// Threads: every method is called from the proxy's threads, for every request: none may block on
// the disk, the network, or a lock under which somebody else does.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ltx/base/types.h"

namespace skerry::proxy {

// A database as tokens name it: 48 bits of its name's hash (PROTOCOL.md).
using DbKey = Strong<struct DbKeyTag, uint64_t>;

[[nodiscard]] DbKey db_key(std::string_view database);

// Where the local copy of a database stands, and the epoch of its last transaction.
struct DbPosition {
  DbKey key;
  Txid txid;
  Epoch epoch;
  // The last transaction is committed, and may be on its way to replicas, but this machine's
  // applications may not see it yet; the one before they do.
  bool appearing = false;
  friend bool operator==(const DbPosition&, const DbPosition&) = default;
};

struct NodeState {
  bool ready = false;         // databases are open; before that nothing is known
  bool is_primary = false;    // it may write
  bool handing_over = false;  // it is the primary, but takes no new writes
  Epoch epoch;
  // The primary, if one is known. Where its proxy listens is empty if nobody said so.
  bool primary_known = false;
  std::string primary_hostname;
  std::string primary_api_host;  // of its advertised URL
  std::string primary_proxy_url;
  friend bool operator==(const NodeState&, const NodeState&) = default;
};

// How a replica stands to its primary; changes all the time.
struct Freshness {
  bool connected = false;                        // it hears from it
  std::optional<std::chrono::milliseconds> lag;  // nothing: never in sync yet
};

class NodeView {
 public:
  virtual ~NodeView() = default;

  // Differs from what it was whenever state() or positions() may differ. One atomic load.
  [[nodiscard]] virtual uint64_t version() const = 0;

  [[nodiscard]] virtual NodeState state() const = 0;

  // Not covered by version().
  [[nodiscard]] virtual Freshness freshness() const = 0;

  // Of the tracked databases that exist here, in the order of their keys.
  virtual void positions(std::vector<DbPosition>& out) const = 0;

  // Lets somebody look whether what is `appearing` can be seen by now, and again until it can:
  // version() changes then.
  virtual void look_for_appearing() = 0;

  // Counts the writes to the mount that were refused because this node may not write.
  [[nodiscard]] virtual uint64_t refused_writes() const = 0;

  // Whether `replicas` others have everything up to `positions`, durably.
  [[nodiscard]] virtual bool acknowledged(const std::vector<DbPosition>& positions,
                                          unsigned replicas) const = 0;

  // Calls `changed` once, when version() or an acknowledgement changed after this call; from any
  // thread and possibly under the writer's locks, so that it may do no more than wake somebody.
  // Callers ask for what they wait for after this call, not only before.
  virtual void notify_once(std::move_only_function<void()> changed) = 0;
};

}  // namespace skerry::proxy
