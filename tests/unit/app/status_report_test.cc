#include "daemon/app/client/status_report.h"

#include <doctest/doctest.h>

#include "daemon/admin/status.h"
#include "tests/support/fake_node.h"
#include "tests/support/sqlite_db.h"

namespace skerry::test {
namespace {

std::string report_of(FakeNode& node, int64_t now_ms) {
  const auto report = app::status_report(admin::status_json(node, now_ms));
  if (!report) FAIL(report.error().message());
  return *report;
}

TEST_CASE("a primary's report") {
  FakeNode node;
  node.own.cluster_id = "LFSC0123456789ABCDEF";
  node.own.region = "lhr";
  node.own.started_ms = 1'000'000;
  node.add("app.db");
  SqliteDb db(node.capture.path("app.db"), "captured");
  REQUIRE(db.exec("CREATE TABLE t (x)") == SQLITE_OK);
  const db::Database::Info info = node.open[0]->info();
  node.feeds.push_back({admin::Stream::Direction::kToReplica, "c", "syd", 0, 1500, 300'000, 12, 7});
  const std::string report = report_of(node, info.timestamp_ms + 61'000);
  CHECK(
      report.starts_with("node      a in lhr (id 00000000000000AB), Skerry 1.2.3\n"
                         "role      primary, epoch 7, static lease\n"
                         "state     ready\n"));
  CHECK(report.contains("cluster   LFSC0123456789ABCDEF\n"));
  CHECK(report.contains("  app.db  " + to_string(info.position) + "    8.2 kB  1 min ago\n"));
  CHECK(report.contains("  bad.db  BROKEN: it is damaged\n"));
  CHECK(report.contains(
      "  to c in syd  7 ms behind  1.5 kB on the wire for 300 kB, 12 transactions\n"));
  CHECK(report.contains("  app.db: python3 (pid 77), reader for 2 s\n"));
}

TEST_CASE("a replica's report") {
  FakeNode node;
  node.own.candidate = false;
  node.now = {false, Epoch(3), true, "b", "http://b:20202"};
  node.lag.reset();
  node.is_ready = false;
  const std::string report = report_of(node, 0);
  CHECK(
      report.contains("role      replica, epoch 3, static lease, not a candidate\n"
                      "primary   b (http://b:20202)\n"
                      "lag       not in sync yet\n"
                      "state     not ready: not in sync yet\n"));
  CHECK(report.contains("\nno databases\n"));
  node.now.primary_known = false;
  CHECK(report_of(node, 0).contains("primary   none is known\n"));
}

TEST_CASE("what is no node's answer is an error") {
  for (const char* answer : {"", "404 page not found", "{}", "{\"node\":{}}", "[]"}) {
    CAPTURE(answer);
    CHECK(app::status_report(answer).error().code() == Errc::kCorrupt);
  }
}

}  // namespace
}  // namespace skerry::test
