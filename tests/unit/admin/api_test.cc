#include "daemon/admin/api.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "daemon/net/http_client.h"
#include "tests/support/fake_node.h"
#include "tests/support/listening_socket.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

namespace json = boost::json;
using net::Call;
using net::Reply;

// A request to the API of a fake node, over a real socket.
struct Fixture {
  Fixture() {
    api.add_to(server);
    REQUIRE(server.start(socket.fd()));
  }
  Reply call(const std::string& method, const std::string& path, std::string_view body = {}) const {
    ltx::MemorySource source(as_bytes(body));
    Call what{.method = method, .url = fmt::format("http://127.0.0.1:{}{}", socket.port(), path)};
    if (!body.empty()) {
      what.body = &source;
      what.body_bytes = body.size();
    }
    auto reply = net::call(what);
    REQUIRE(reply);
    return *std::move(reply);
  }
  Reply get(const std::string& path) const { return call("GET", path); }
  json::value get_json(const std::string& path) const {
    const Reply reply = get(path);
    REQUIRE(reply.status == 200);
    CHECK(*reply.headers.find("Content-Type") == "application/json");
    return json::parse(reply.body);
  }

  FakeNode node;
  ListeningSocket socket;
  net::IoThreads threads{"io", 1};
  net::BlockingPool pool{"work", 2, 4};
  admin::EventHub events;
  admin::Api api{node, events};
  net::Server server{"test", threads, pool};
};

// A database file of its own, as an application would bring it.
std::string file_with_rows(const std::string& path, int rows, const char* pragmas = "") {
  {
    SqliteDb db(path);
    REQUIRE(db.exec(pragmas) == SQLITE_OK);
    REQUIRE(db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)") == SQLITE_OK);
    for (int i = 0; i < rows; ++i) {
      REQUIRE(db.exec("INSERT INTO t (x) VALUES (randomblob(500))") == SQLITE_OK);
    }
  }
  os::PosixFileSystem fs;
  const auto bytes = os::read_file(fs, os::Site("test"), path, 100 << 20);
  REQUIRE(bytes);
  return std::string(as_text(*bytes));
}

TEST_CASE("/info has LiteFS's shape") {
  Fixture f;
  const Reply reply = f.get("/info");
  CHECK(reply.body == fmt::format("{{\n  \"isPrimary\": true,\n  \"candidate\": true,\n  \"path\": "
                                  "\"{}\",\n  \"primary\": {{\n    \"hostname\": \"a\"\n  }}\n}}\n",
                                  f.node.own.data_dir));
  CHECK(*reply.headers.find("Litefs-Id") == "00000000000000AB");
  CHECK(reply.headers.find("Litefs-Cluster-Id") == nullptr);
  f.node.own.cluster_id = "LFSC0123456789ABCDEF";
  f.node.now = {false, Epoch(3), true, "b", "http://b:20202"};
  const json::value info = f.get_json("/info");
  CHECK(info.at("clusterID") == json::value("LFSC0123456789ABCDEF"));
  CHECK(info.at("isPrimary") == false);
  CHECK(info.at("primary").at("hostname") == json::value("b"));
  // On every reply, of errors too.
  const Reply missing = f.get("/nothing");
  CHECK(missing.status == 404);
  CHECK(*missing.headers.find("Litefs-Cluster-Id") == "LFSC0123456789ABCDEF");
}

TEST_CASE("pages of other sites cannot use a browser against the node") {
  Fixture f;
  const auto status = [&](const char* method, const std::string& origin) {
    RawClient client(f.socket.port());
    client.send(
        fmt::format("{} /promote HTTP/1.1\r\nHost: localhost:20202\r\nOrigin: {}\r\n"
                    "Content-Length: 0\r\nConnection: close\r\n\r\n",
                    method, origin));
    return client.read_all().substr(9, 3);
  };
  CHECK(status("POST", "https://elsewhere.example") == "403");
  CHECK(status("POST", "http://localhost:20202.elsewhere.example") == "403");
  CHECK(status("POST", "null") == "403");
  CHECK(status("POST", "http://localhost:20202") == "200");
  CHECK(f.call("POST", "/promote").status == 200);
}

TEST_CASE("/skerry/status tells all of a node") {
  Fixture f;
  f.node.add("app.db");
  SqliteDb db(f.node.capture.path("app.db"), "captured");
  REQUIRE(db.exec("CREATE TABLE t (x)") == SQLITE_OK);
  f.node.feeds.push_back({admin::Stream::Direction::kToReplica, "c", "lhr", 1'700'000'000'000, 10,
                          300, 5, std::nullopt});
  const json::value status = f.get_json("/skerry/status");
  const json::value& node = status.at("node");
  CHECK(node.at("id") == json::value("00000000000000AB"));
  CHECK(node.at("role") == json::value("primary"));
  CHECK(node.at("epoch") == 7);
  CHECK(node.at("ready") == true);
  CHECK(status.at("primary").at("url") == json::value("http://a:20202"));
  CHECK(status.at("lagMs") == 0);
  const json::value& database = status.at("databases").at(0);
  const db::Database::Info info = f.node.open[0]->info();
  CHECK(database.at("name") == json::value("app.db"));
  CHECK(database.at("txid") == json::value(to_string(info.position.txid)));
  CHECK(database.at("checksum") == json::value(to_string(info.position.checksum)));
  CHECK(database.at("pages") == info.commit);
  CHECK(database.at("pageSize") == 4096);
  CHECK(database.at("commits").to_number<uint64_t>() == info.position.txid.value());
  CHECK(status.at("broken").at(0).at("name") == json::value("bad.db"));
  CHECK(status.at("streams").at(0).at("direction") == json::value("to-replica"));
  CHECK(status.at("streams").at(0).at("since") == json::value("2023-11-14T22:13:20.000Z"));
  CHECK(status.at("streams").at(0).at("lagMs").is_null());
  CHECK(status.at("obstacles").at(0).at("program") == json::value("python3"));
  f.node.now.primary_known = f.node.now.is_primary = false;
  f.node.lag.reset();
  f.node.is_ready = false;
  const json::value lonely = f.get_json("/skerry/status");
  CHECK(lonely.at("primary").is_null());
  CHECK(lonely.at("lagMs").is_null());
  CHECK(lonely.at("node").at("notReady") == json::value("not in sync yet"));
}

TEST_CASE("the status page is one request, with the figures in it, whatever names there are") {
  Fixture f;
  f.node.own.hostname = "<a>";
  f.node.add("x&y.db");
  SqliteDb db(f.node.capture.path("x&y.db"), "captured");
  REQUIRE(db.exec("CREATE TABLE t (x)") == SQLITE_OK);
  const Reply reply = f.get("/skerry/");
  CHECK(reply.status == 200);
  CHECK(reply.body.size() < 50'000);
  CHECK(reply.body.contains("<title>&lt;a&gt; – Skerry</title>"));
  CHECK(reply.body.contains("<td>x&amp;y.db</td><td><code>" +
                            to_string(f.node.open[0]->info().position) + "</code></td>"));
  CHECK(reply.body.contains("<td>bad.db</td><td>it is damaged</td>"));
  for (const char* outside : {"src=", "http://", "https://", "@import", "url("}) {
    CAPTURE(outside);
    CHECK_FALSE(reply.body.contains(outside));
  }
  CHECK(f.get("/skerry").status == 307);
}

TEST_CASE("health tells live from ready") {
  Fixture f;
  CHECK(f.get("/skerry/health/live").body == "OK\n");
  CHECK(f.get("/skerry/health/ready").status == 200);
  f.node.is_ready = false;
  CHECK(f.get("/skerry/health/live").status == 200);
  const Reply reply = f.get("/skerry/health/ready");
  CHECK(reply.status == 503);
  CHECK(reply.body == "not in sync yet\n");
}

TEST_CASE("/metrics has LiteFS's names and types, and the figures") {
  Fixture f;
  f.node.add("app.db");
  SqliteDb db(f.node.capture.path("app.db"), "captured");
  REQUIRE(db.exec("PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)") ==
          SQLITE_OK);
  f.node.lag = 1500;
  f.api.metrics().add([](admin::MetricSink& sink) {
    sink.one("skerry_other_part", admin::MetricType::kGauge, "Of another part.", 3);
  });
  const Reply reply = f.get("/metrics");
  CHECK(reply.headers.find("Content-Type")->starts_with("text/plain; version=0.0.4"));
  struct {
    const char* name;
    const char* type;
  } const rows[] = {
      {"litefs_db_count", "gauge"},
      {"litefs_is_primary", "gauge"},
      {"litefs_subscriber_count", "gauge"},
      {"litefs_lag_seconds", "gauge"},
      {"litefs_http_stream_count", "gauge"},
      {"litefs_http_frame_send_count", "counter"},
      {"litefs_db_txid", "gauge"},
      {"litefs_db_database_write_count", "counter"},
      {"litefs_db_journal_write_count", "counter"},
      {"litefs_db_wal_write_count", "counter"},
      {"litefs_db_shm_write_count", "counter"},
      {"litefs_db_commit_count", "counter"},
      {"litefs_db_ltx_count", "gauge"},
      {"litefs_db_ltx_bytes", "gauge"},
      {"litefs_db_ltx_reap_count", "gauge"},
      {"litefs_db_lag_seconds", "gauge"},
      {"skerry_epoch", "gauge"},
      {"skerry_db_wal_frames", "gauge"},
      {"skerry_http_requests_total", "counter"},
      {"skerry_stream_wire_bytes_total", "counter"},
      {"skerry_other_part", "gauge"},
      {"process_resident_memory_bytes", "gauge"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(reply.body.contains(fmt::format("# TYPE {} {}\n", row.name, row.type)));
  }
  const uint64_t txid = f.node.open[0]->info().position.txid.value();
  CHECK(txid >= 2);
  CHECK(reply.body.contains(fmt::format("litefs_db_txid{{db=\"app.db\"}} {}\n", txid)));
  CHECK(reply.body.contains(fmt::format("litefs_db_commit_count{{db=\"app.db\"}} {}\n", txid)));
  CHECK(reply.body.contains("litefs_is_primary 1\n"));
  CHECK(reply.body.contains("litefs_lag_seconds 1.5\n"));
  CHECK(reply.body.contains("skerry_other_part 3\n"));
  CHECK(reply.body.contains("skerry_epoch 7\n"));
  CHECK_FALSE(reply.body.contains("litefs_db_wal_write_count{db=\"app.db\"} 0\n"));
}

TEST_CASE("/debug/vars has the store") {
  Fixture f;
  f.node.add("app.db");
  SqliteDb db(f.node.capture.path("app.db"), "captured");
  REQUIRE(db.exec("CREATE TABLE t (x)") == SQLITE_OK);
  const json::value vars = f.get_json("/debug/vars");
  CHECK(vars.at("store").at("isPrimary") == true);
  const json::value& database = vars.at("store").at("dbs").at("app.db");
  CHECK(database.at("txid") == json::value("0000000000000001"));
  CHECK(database.at("checksum") ==
        json::value(to_string(f.node.open[0]->info().position.checksum)));
}

TEST_CASE("an export is the database, whole and by itself") {
  Fixture f;
  for (const char* mode : {"DELETE", "WAL"}) {
    CAPTURE(mode);
    const std::string name = fmt::format("{}.db", mode);
    SqliteDb db(f.node.capture.path(name), "captured");
    REQUIRE(db.exec(fmt::format("PRAGMA page_size=1024; PRAGMA journal_mode={}", mode)) ==
            SQLITE_OK);
    REQUIRE(db.exec("CREATE TABLE t (x)") == SQLITE_OK);
    for (int i = 0; i < 50; ++i) {
      REQUIRE(db.exec("INSERT INTO t VALUES (randomblob(3000))") == SQLITE_OK);
    }
    f.node.add(name);
    const Reply reply = f.get("/export?name=" + name);
    REQUIRE(reply.status == 200);
    CHECK(*reply.headers.find("Skerry-Position") == to_string(f.node.find(name)->info().position));
    const std::string copy = f.node.capture.path(name + ".copy");
    os::PosixFileSystem fs;
    REQUIRE(os::write_file_atomically(fs, os::Site("test"), copy, as_bytes(reply.body)));
    SqliteDb exported(copy);
    CHECK(exported.value("PRAGMA integrity_check") == "ok");
    const std::string sum = "SELECT group_concat(hex(x)) FROM t";
    CHECK(exported.value(sum) == db.value(sum));
    CHECK(fs.list(f.node.own.data_dir + "/tmp")->empty());
  }
  CHECK(f.get("/export").status == 400);
  const Reply missing = f.get("/export?name=none");
  CHECK(missing.status == 404);
  CHECK(missing.body == "database not found: none\n");
}

TEST_CASE("an import becomes the content as it is") {
  Fixture f;
  for (const uint32_t page_bytes : {512u, 4096u, 65536u}) {
    CAPTURE(page_bytes);
    const std::string file = file_with_rows(f.node.capture.path(std::to_string(page_bytes)), 300,
                                            fmt::format("PRAGMA page_size={}", page_bytes).c_str());
    f.node.add("new.db");
    const Reply reply = f.call("POST", "/import?name=new.db", file);
    CAPTURE(reply.body);
    REQUIRE(reply.status == 200);
    const FakeApplier::Import& import = f.node.fake_applier.last;
    CHECK(import.committed);
    CHECK(import.database == "new.db");
    CHECK(import.page_size.bytes() == page_bytes);
    CHECK(as_text(import.content) == file);
  }
}

TEST_CASE("an import over a database keeps its journal mode and is news to its connections") {
  Fixture f;
  f.node.add("app.db");
  SqliteDb db(f.node.capture.path("app.db"), "captured");
  REQUIRE(db.exec("PRAGMA journal_mode=WAL; CREATE TABLE old (x)") == SQLITE_OK);
  const std::string file = file_with_rows(f.node.capture.path("file"), 10);
  REQUIRE(f.call("POST", "/import?name=app.db", file).status == 200);
  const Bytes& content = f.node.fake_applier.last.content;
  REQUIRE(content.size() == file.size());
  CHECK(content[18] == std::byte{2});
  CHECK(content[19] == std::byte{2});
  const auto word = [&](size_t at) { return load_be32(content.data() + at); };
  CHECK(word(24) != load_be32(as_bytes(file).data() + 24));
  CHECK(word(92) == word(24));
  CHECK(std::to_string(word(40)) != db.value("PRAGMA schema_version"));
  CHECK(as_text(content).substr(96) == file.substr(96));
  const std::string copy = f.node.capture.path("copy");
  os::PosixFileSystem fs;
  REQUIRE(os::write_file_atomically(fs, os::Site("test"), copy, content));
  CHECK(SqliteDb(copy).value("PRAGMA integrity_check") == "ok");
  CHECK(SqliteDb(copy).value("SELECT count(*) FROM t") == "10");
}

TEST_CASE("an import that cannot be is refused with its reason, and changes nothing") {
  Fixture f;
  const std::string file = file_with_rows(f.node.capture.path("file"), 10);
  struct {
    std::string body;
    unsigned status;
    const char* reason;
  } const rows[] = {
      {"", 400, "the file is empty\n"},
      {"hello", 400, "the file is no SQLite database\n"},
      {std::string(4096, '\0'), 400, "the file is no SQLite database\n"},
      {file.substr(0, 4096), 400, "the file is not whole: it has 4096 bytes, and its header"},
      {file.substr(0, 90), 400, "the file is no SQLite database\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.reason);
    const Reply reply = f.call("POST", "/import?name=app.db", row.body);
    CHECK(reply.status == row.status);
    CHECK(reply.body.starts_with(row.reason));
  }
  CHECK(f.call("POST", "/import", file).status == 400);
  CHECK(f.get("/import?name=app.db").status == 405);
  f.node.fake_applier.refuse = true;
  const Reply refused = f.call("POST", "/import?name=app.db", file);
  CHECK(refused.status == 503);
  CHECK(refused.body == "the lease ran out\n");
  f.node.now = {false, Epoch(3), true, "b", "http://b:20202"};
  const Reply replica = f.call("POST", "/import?name=app.db", file);
  CHECK(replica.status == 503);
  CHECK(replica.body ==
        "this node is a replica; send the import to the primary, b (http://b:20202)\n");
  f.node.now.primary_known = false;
  CHECK(f.call("POST", "/import?name=app.db", file).body.contains("none is known"));
  CHECK_FALSE(f.node.fake_applier.last.committed);
}

TEST_CASE("promotion and handoff answer as LiteFS does") {
  Fixture f;
  CHECK(f.call("POST", "/promote").status == 200);  // it is the primary
  f.node.now = {false, Epoch(3), true, "b", "http://b:20202"};
  CHECK(f.call("POST", "/promote").status == 200);
  f.node.change = fail(Errc::kUnsupported, "the lease is static");
  const Reply unsupported = f.call("POST", "/promote");
  CHECK(unsupported.status == 501);
  CHECK(unsupported.body == "the lease is static\n");
  f.node.now.primary_known = false;
  CHECK(f.call("POST", "/promote").status == 500);
  f.node.own.candidate = false;
  CHECK(f.call("POST", "/promote").status == 409);

  CHECK(f.call("POST", "/handoff?nodeID=x").status == 400);
  CHECK(f.call("POST", "/handoff?nodeID=00000000000000CD").status == 503);
  f.node.now.is_primary = true;
  CHECK(f.call("POST", "/handoff?nodeID=00000000000000CD").status == 501);
  CHECK(f.node.handed_to == NodeId(0xCD));
  f.node.change = {};
  CHECK(f.call("POST", "/handoff?nodeID=00000000000000cd").status == 200);
  CHECK(f.call("POST", "/halt?name=app.db&id=1").status == 501);
  CHECK(f.call("DELETE", "/halt?name=app.db&id=1").status == 501);
  CHECK(f.call("POST", "/stream").status == 426);
}

}  // namespace
}  // namespace skerry::test
