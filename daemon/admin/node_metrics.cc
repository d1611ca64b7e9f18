#include "daemon/admin/node_metrics.h"

#include <algorithm>

namespace skerry::admin {
namespace {

using Databases = std::vector<std::shared_ptr<db::Database>>;
constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

struct LogFigures {
  uint64_t files = 0;
  uint64_t bytes = 0;
};

LogFigures log_of(db::Database& database) {
  LogFigures figures;
  for (const auto& segment : database.log().segments()) {
    ++figures.files;
    figures.bytes += segment->end();
  }
  for (const db::LtxLevels::File& file : database.log().levels().files()) {
    ++figures.files;
    figures.bytes += file.bytes;
  }
  return figures;
}

void write_counts(MetricSink& sink, const Databases& databases) {
  struct Row {
    const char* name;
    db::FileKind kind;
    const char* help;
  };
  constexpr Row kRows[] = {
      {"litefs_db_database_write_count", db::FileKind::kDatabase,
       "Number of writes to the database file."},
      {"litefs_db_journal_write_count", db::FileKind::kJournal,
       "Number of writes to the journal file."},
      {"litefs_db_wal_write_count", db::FileKind::kWal, "Number of writes to the WAL file."},
      {"litefs_db_shm_write_count", db::FileKind::kShm,
       "Number of writes to the shared memory file."}};
  for (const Row& row : kRows) {
    sink.declare(row.name, kCounter, row.help);
    for (const auto& database : databases) {
      const auto& count = database->counters().writes[static_cast<size_t>(row.kind)];
      sink.add(count.load(std::memory_order_relaxed), {{"db", database->name()}});
    }
  }
}

// A value of each database.
template <typename Value>
void for_each(MetricSink& sink, const Databases& databases, const char* name, MetricType type,
              const char* help, const Value& value) {
  sink.declare(name, type, help);
  for (const auto& database : databases) sink.add(value(*database), {{"db", database->name()}});
}

void database_metrics(MetricSink& sink, const Databases& all, std::optional<int64_t> lag_ms) {
  using db::Database;
  for_each(sink, all, "litefs_db_txid", kGauge, "Current transaction ID.",
           [](Database& d) { return d.info().position.txid.value(); });
  write_counts(sink, all);
  for_each(sink, all, "litefs_db_commit_count", kCounter, "Number of database commits.",
           [](Database& d) { return d.counters().commits.load(std::memory_order_relaxed); });
  for_each(sink, all, "litefs_db_ltx_count", kGauge, "Number of LTX files on disk.",
           [](Database& d) { return log_of(d).files; });
  for_each(sink, all, "litefs_db_ltx_bytes", kGauge, "Number of bytes used by LTX files on disk.",
           [](Database& d) { return log_of(d).bytes; });
  for_each(
      sink, all, "litefs_db_ltx_reap_count", kGauge, "Number of LTX files removed by retention.",
      [](Database& d) { return d.counters().log_files_removed.load(std::memory_order_relaxed); });
  sink.declare("litefs_db_lag_seconds", kGauge,
               "Lag between generating an LTX file and consuming it.");
  if (lag_ms) {
    for (const auto& d : all) {
      sink.add(static_cast<double>(*lag_ms) / 1000, {{"db", d->name()}});
    }
  }
  for_each(sink, all, "skerry_db_epoch", kGauge, "Epoch of the last transaction.",
           [](Database& d) { return d.info().epoch.value(); });
  for_each(sink, all, "skerry_db_pages", kGauge, "Size of the database in pages.",
           [](Database& d) { return uint64_t{d.info().commit}; });
  for_each(sink, all, "skerry_db_bytes", kGauge, "Size of the database in bytes.",
           [](Database& d) { return uint64_t{d.info().commit} * d.info().page_bytes; });
  for_each(sink, all, "skerry_db_wal_frames", kGauge, "Committed frames in the WAL.",
           [](Database& d) { return uint64_t{d.info().wal_frames}; });
  for_each(sink, all, "skerry_db_last_commit_timestamp_seconds", kGauge,
           "When the last transaction was committed, by the primary's clock.",
           [](Database& d) { return static_cast<double>(d.info().timestamp_ms) / 1000; });
}

void stream_metrics(MetricSink& sink, const std::vector<Stream>& streams) {
  const auto each = [&](const char* name, MetricType type, const char* help, const auto& value) {
    sink.declare(name, type, help);
    for (const Stream& stream : streams) {
      const bool to = stream.direction == Stream::Direction::kToReplica;
      sink.add(value(stream),
               {{"direction", to ? "to-replica" : "from-primary"}, {"peer", stream.peer}});
    }
  };
  each("skerry_stream_wire_bytes_total", kCounter, "Bytes of the stream as they were sent.",
       [](const Stream& stream) { return stream.wire_bytes; });
  each("skerry_stream_page_bytes_total", kCounter, "Bytes of the pages that these stand for.",
       [](const Stream& stream) { return stream.page_bytes; });
  each("skerry_stream_transactions_total", kCounter, "Transactions sent or received.",
       [](const Stream& stream) { return stream.transactions; });
}

void role_metrics(MetricSink& sink, NodeView& node) {
  const Role role = node.role();
  sink.one("litefs_is_primary", kGauge, "Primary status of the node.", role.is_primary ? 1 : 0);
  sink.one("skerry_epoch", kGauge, "Epoch of the lease that is known last.",
           static_cast<double>(role.epoch.value()));
  sink.one("skerry_ready", kGauge, "Whether the node should be sent readers.",
           node.ready() ? 1 : 0);
  sink.declare("litefs_lag_seconds", kGauge, "Lag behind the primary node, in seconds.");
  if (const auto lag = node.lag_ms()) sink.add(static_cast<double>(*lag) / 1000);
}

}  // namespace

void node_metrics(MetricSink& sink, NodeView& node, const EventHub& events) {
  const Databases databases = node.databases();
  const std::vector<Stream> streams = node.streams();
  sink.declare("skerry_build_info", kGauge, "The program's version.");
  sink.add(uint64_t{1}, {{"version", node.identity().version}});
  sink.one("litefs_db_count", kGauge, "Number of managed databases.",
           static_cast<double>(databases.size()));
  sink.one("skerry_broken_db_count", kGauge, "Databases that could not be opened.",
           static_cast<double>(node.broken_databases().size()));
  role_metrics(sink, node);
  sink.one("litefs_subscriber_count", kGauge, "Number of connected subscribers.",
           static_cast<double>(events.subscribers()));
  const auto feeds = std::ranges::count(streams, Stream::Direction::kToReplica, &Stream::direction);
  sink.one("litefs_http_stream_count", kGauge, "Number of streams currently connected.",
           static_cast<double>(feeds));
  sink.declare("litefs_http_frame_send_count", kCounter, "Number of frames sent.");
  for (const Stream& stream : streams) {
    if (stream.direction != Stream::Direction::kToReplica) continue;
    sink.add(stream.transactions, {{"db", ""}, {"type", "ltx"}});
  }
  database_metrics(sink, databases, node.lag_ms());
  stream_metrics(sink, streams);
  sink.one("skerry_obstacle_count", kGauge,
           "Local processes that hold up applied transactions or checkpoints.",
           static_cast<double>(node.applier().obstacles().size()));
}

}  // namespace skerry::admin
