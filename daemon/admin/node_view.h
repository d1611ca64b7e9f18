// What the node API sees of the node, and all that it sees. The node implements it; tests have
// their own.
//
// Threads: any. identity() and role() are called for every request on io threads and must not wait
// for the disk or a database; the rest is called on pool threads.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/apply/applier.h"
#include "daemon/db/database.h"
#include "daemon/os/file_system.h"

namespace skerry::admin {

struct Identity {
  NodeId id;
  std::string cluster_id;  // empty: not known yet
  bool candidate = false;
  bool static_lease = true;  // the primary is fixed by configuration
  std::string hostname;      // as other nodes know this one; may be empty
  std::string advertise_url;
  std::string region;  // may be empty
  std::string data_dir;
  std::string mount_dir;
  std::string version;
  int64_t started_ms = 0;  // wall clock
};

struct Role {
  bool is_primary = false;
  Epoch epoch;
  bool primary_known = false;    // true on the primary itself
  std::string primary_hostname;  // may be empty though known
  std::string primary_url;
  friend bool operator==(const Role&, const Role&) = default;
};

// One stream of transactions between this node and another.
struct Stream {
  enum class Direction { kToReplica, kFromPrimary };
  Direction direction = Direction::kToReplica;
  std::string peer;  // hostname, or what is known of it
  std::string region;
  int64_t since_ms = 0;     // wall clock
  uint64_t wire_bytes = 0;  // as sent
  uint64_t page_bytes = 0;  // what they stand for
  uint64_t transactions = 0;
  std::optional<int64_t> lag_ms;  // nothing: not in sync yet
};

// A database that could not be opened.
struct BrokenDatabase {
  std::string name;
  std::string error;
};

class NodeView {
 public:
  virtual ~NodeView() = default;

  [[nodiscard]] virtual Identity identity() const = 0;
  [[nodiscard]] virtual Role role() const = 0;
  // Nothing on a replica that was never in sync; 0 on the primary.
  [[nodiscard]] virtual std::optional<int64_t> lag_ms() const = 0;
  // An error says what is missing before this node should be sent readers.
  [[nodiscard]] virtual Status ready() const = 0;

  [[nodiscard]] virtual std::vector<std::shared_ptr<db::Database>> databases() const = 0;
  [[nodiscard]] virtual std::vector<BrokenDatabase> broken_databases() const = 0;
  // Null if there is none of that name.
  [[nodiscard]] virtual std::shared_ptr<db::Database> find(const std::string& name) const = 0;
  [[nodiscard]] virtual std::vector<Stream> streams() const = 0;

  // For imports; checks names too.
  [[nodiscard]] virtual apply::Applier& applier() = 0;
  [[nodiscard]] virtual os::FileSystem& file_system() = 0;

  // Makes this node the primary, or has the node of that id become it; returns once it is done.
  // kUnsupported with a static lease.
  [[nodiscard]] virtual Status promote() = 0;
  [[nodiscard]] virtual Status hand_off_to(NodeId node) = 0;
};

}  // namespace skerry::admin
