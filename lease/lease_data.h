// What the cluster keeps in Consul, as values (PROTOCOL.md draws keys and JSON), and the
// transactions that change it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "lease/leaser.h"
#include "lease/standing.h"

namespace skerry::lease {

// A node as others reach it. Both together are its identity.
struct Peer {
  std::string name;
  std::string url;
  friend auto operator<=>(const Peer&, const Peer&) = default;
};

// The value of the lease's key. A holder that is not `fenced` (LiteFS) goes on writing when its
// lease is taken from it: it must not be taken.
struct Holder {
  PrimaryInfo info;
  bool fenced = false;
  Duration term{0};
  NodeId node;           // the process
  Epoch epoch;           // 0 in the transaction that took the lease: that decides it
  uint64_t counter = 0;  // changes with every touch
  friend bool operator==(const Holder&, const Holder&) = default;
};

// What the primary keeps beside the key. It outlives the key.
struct Record {
  std::string name;         // of the last primary
  NodeId node;              // its process
  Epoch epoch;              // 0 until it is known, as in Holder
  uint64_t epoch_base = 0;  // epochs are this + Consul's index
  Duration term{0};
  bool closed = false;           // it gave up its right in order: nobody can be writing
  bool litefs = false;           // nodes that do not fence themselves may want the key, too
  Standing standing;             // the last primary's own, lately
  Standing progress;             // known to be on another node; when closed, the last primary's
  std::vector<Peer> candidates;  // sorted; who may stand
  friend bool operator==(const Record&, const Record&) = default;
};

// A node's own entry.
struct NodeEntry {
  Peer peer;
  bool candidate = false;
  NodeId node;           // the process
  uint64_t counter = 0;  // changes whenever the entry is renewed
  friend bool operator==(const NodeEntry&, const NodeEntry&) = default;
};

// What a read of all keys found. `index` of an entry is Consul's ModifyIndex.
struct View {
  struct Key {
    Holder holder;
    std::string session;  // empty: nobody has it locked
    uint64_t index = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Beside {
    Record record;
    uint64_t index = 0;
    friend bool operator==(const Beside&, const Beside&) = default;
  };
  struct Node {
    NodeEntry entry;
    uint64_t index = 0;
    friend bool operator==(const Node&, const Node&) = default;
  };
  uint64_t index = 0;  // of the read: what the next one waits to be passed
  std::optional<Key> key;
  std::optional<Beside> beside;
  std::vector<Node> nodes;
  std::string cluster_id;  // empty: there is none

  [[nodiscard]] bool held() const { return key && !key->session.empty(); }
  [[nodiscard]] const Record* record() const { return beside ? &beside->record : nullptr; }
  friend bool operator==(const View&, const View&) = default;
};

// One operation of a transaction. All of them happen, or none.
struct Op {
  enum class Verb : uint8_t {
    kSet,
    kCas,   // if at `index`; 0: if absent
    kLock,  // if unlocked or locked by `session`
    kDelete,
    kDeleteCas,     // if at `index`
    kCheckIndex,    // that it is at `index`
    kCheckSession,  // that `session` has it locked
    kCheckNotExists,
  };
  enum class Place : uint8_t { kLease, kRecord, kClusterId, kNode };
  using Value = std::variant<std::monostate, Holder, Record, NodeEntry, std::string>;

  Verb verb = Verb::kSet;
  Place place = Place::kLease;
  std::string name;  // of a node's entry
  uint64_t index = 0;
  std::string session;
  Value value;
};
using Ops = std::vector<Op>;

// What a node answers when it is asked how it stands.
struct PeerReport {
  Peer peer;
  NodeId node;
  bool candidate = false;
  bool is_primary = false;
  Epoch epoch;  // the highest that it has seen
  Standing standing;
};

// "Do not stand for so long": what a primary asks of the candidates while Consul is silent.
struct PromiseRequest {
  Peer peer;  // who asks
  NodeId node;
  Epoch epoch;
  uint64_t round = 0;  // rises with every asking
  Duration length{0};  // 0: the promise of this round is given back
};

}  // namespace skerry::lease
