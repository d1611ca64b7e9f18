#include "daemon/admin/status.h"

#include "daemon/admin/json.h"
#include "daemon/admin/lease_routes.h"

namespace skerry::admin {

std::string info_json(const NodeView& node) {
  const Identity identity = node.identity();
  const Role role = node.role();
  JsonWriter json(2);
  json.begin_object();
  if (!identity.cluster_id.empty()) json.key("clusterID").value(identity.cluster_id);
  json.key("isPrimary").value(role.is_primary);
  json.key("candidate").value(identity.candidate);
  json.key("path").value(identity.data_dir);
  json.key("primary").begin_object();
  json.key("hostname").value(role.is_primary ? identity.hostname : role.primary_hostname);
  json.end_object();
  json.end_object();
  return json.take() + '\n';
}

namespace {

template <typename T>
void value_or_null(JsonWriter& json, const std::optional<T>& value) {
  if (value) {
    json.value(*value);
  } else {
    json.null();
  }
}

void write_node(JsonWriter& json, NodeView& node, int64_t now_ms) {
  const Identity identity = node.identity();
  const Role role = node.role();
  const Status ready = node.ready();
  json.begin_object();
  json.key("id").value(format_node_id(identity.id));
  json.key("hostname").value(identity.hostname);
  json.key("region").value(identity.region);
  json.key("version").value(identity.version);
  json.key("role").value(role.is_primary ? "primary" : "replica");
  json.key("candidate").value(identity.candidate);
  json.key("lease").value(identity.static_lease ? "static" : "consul");
  json.key("clusterId").value(identity.cluster_id);
  json.key("epoch").value(role.epoch.value());
  json.key("advertiseUrl").value(identity.advertise_url);
  json.key("dataDir").value(identity.data_dir);
  json.key("mountDir").value(identity.mount_dir);
  json.key("upSeconds").value((now_ms - identity.started_ms) / 1000);
  json.key("ready").value(ready.has_value());
  if (!ready) json.key("notReady").value(ready.error().message());
  json.end_object();
}

void write_primary(JsonWriter& json, const Role& role) {
  if (!role.primary_known) return json.null();
  json.begin_object();
  json.key("hostname").value(role.primary_hostname);
  json.key("url").value(role.primary_url);
  json.end_object();
}

void write_database(JsonWriter& json, const db::Database& database, int64_t now_ms) {
  const db::Database::Info info = database.info();
  json.begin_object();
  json.key("name").value(database.name());
  json.key("txid").value(to_string(info.position.txid));
  json.key("checksum").value(to_string(info.position.checksum));
  json.key("epoch").value(info.epoch.value());
  json.key("pages").value(info.commit);
  json.key("pageSize").value(info.page_bytes);
  json.key("bytes").value(uint64_t{info.commit} * info.page_bytes);
  json.key("walFrames").value(info.wal_frames);
  json.key("lastCommit").value(info.timestamp_ms == 0 ? "" : rfc3339(info.timestamp_ms));
  json.key("ageMs").value(info.timestamp_ms == 0 ? int64_t{0} : now_ms - info.timestamp_ms);
  json.key("commits").value(database.counters().commits.load(std::memory_order_relaxed));
  json.end_object();
}

void write_stream(JsonWriter& json, const Stream& stream) {
  json.begin_object();
  json.key("direction")
      .value(stream.direction == Stream::Direction::kToReplica ? "to-replica" : "from-primary");
  json.key("peer").value(stream.peer);
  json.key("region").value(stream.region);
  json.key("since").value(rfc3339(stream.since_ms));
  json.key("wireBytes").value(stream.wire_bytes);
  json.key("pageBytes").value(stream.page_bytes);
  json.key("transactions").value(stream.transactions);
  value_or_null(json.key("lagMs"), stream.lag_ms);
  json.end_object();
}

std::string_view name_of(apply::Obstacle::Kind kind) {
  switch (kind) {
    case apply::Obstacle::Kind::kWriter:
      return "writer";
    case apply::Obstacle::Kind::kReader:
      return "reader";
    case apply::Obstacle::Kind::kOldSnapshot:
      return "old-snapshot";
  }
  return "unknown";
}

void write_obstacle(JsonWriter& json, const apply::Obstacle& obstacle) {
  json.begin_object();
  json.key("db").value(obstacle.database);
  json.key("kind").value(name_of(obstacle.kind));
  json.key("pid").value(int64_t{obstacle.pid});
  json.key("program").value(obstacle.program);
  json.key("sinceMs").value(int64_t{obstacle.since.count()});
  json.key("walFrames").value(obstacle.wal_frames);
  json.end_object();
}

}  // namespace

std::string status_json(NodeView& node, int64_t now_ms) {
  JsonWriter json;
  json.begin_object();
  json.key("node");
  write_node(json, node, now_ms);
  json.key("primary");
  write_primary(json, node.role());
  value_or_null(json.key("lagMs"), node.lag_ms());
  json.key("databases").begin_array();
  for (const auto& database : node.databases()) write_database(json, *database, now_ms);
  json.end_array();
  json.key("broken").begin_array();
  for (const BrokenDatabase& broken : node.broken_databases()) {
    json.begin_object();
    json.key("name").value(broken.name);
    json.key("error").value(broken.error);
    json.end_object();
  }
  json.end_array();
  json.key("streams").begin_array();
  for (const Stream& stream : node.streams()) write_stream(json, stream);
  json.end_array();
  json.key("obstacles").begin_array();
  for (const apply::Obstacle& obstacle : node.applier().obstacles()) write_obstacle(json, obstacle);
  json.end_array();
  json.end_object();
  return json.take() + '\n';
}

std::string debug_vars_json(const NodeView& node) {
  JsonWriter json;
  json.begin_object();
  json.key("store").begin_object();
  json.key("isPrimary").value(node.role().is_primary);
  json.key("candidate").value(node.identity().candidate);
  json.key("dbs").begin_object();
  for (const auto& database : node.databases()) {
    const db::Database::Info info = database->info();
    json.key(database->name()).begin_object();
    json.key("name").value(database->name());
    json.key("txid").value(to_string(info.position.txid));
    json.key("checksum").value(to_string(info.position.checksum));
    json.end_object();
  }
  json.end_object();
  json.end_object();
  json.end_object();
  return json.take() + '\n';
}

}  // namespace skerry::admin
