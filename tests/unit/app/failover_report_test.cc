#include "daemon/app/client/failover_report.h"

#include <doctest/doctest.h>

namespace skerry::app {
namespace {

std::string report(const std::string& fields) {
  const auto text = failover_report(R"({"from":"a","to":"b","region":"fra","dryRun":false,)"
                                    R"("pauseMs":14,"steps":[{"step":"prove","ms":1.25}],)"
                                    R"("candidates":[
      {"hostname":"a","region":"ams","can":false,"why":"it is the primary already","behind":0},
      {"hostname":"b","region":"fra","can":true,"behind":0},
      {"hostname":"c","region":"gru","can":true,"behind":7}],
      "databases":[{"name":"app.db","txid":"0000000000000007","checksum":"8000000000000001"}],)" +
                                    fields + "}");
  if (!text) FAIL(text.error().message());
  return *text;
}

TEST_CASE("what a hand-over came to, and what it would") {
  const std::string done = report(R"("handedOver":true)");
  CHECK(done.starts_with("b is the primary now, in place of a; writes waited 14 ms\n\nnodes\n"));
  CHECK(done.contains("ams    it is the primary already\n"));
  CHECK(done.contains("fra    could take over\n"));
  CHECK(done.contains("gru    could take over, 7 transactions to catch up with first\n"));
  CHECK(done.contains("app.db               0000000000000007/8000000000000001\n"));
  CHECK(done.contains("prove                1.2 ms\n"));
  CHECK(report(R"("handedOver":false)")
            .starts_with("b would become the primary in place of a; nothing was done (-dry-run)\n"));
  CHECK(report(R"("handedOver":false,"error":"c\u001b is dead")")
            .starts_with("a stays the primary: c"));
  CHECK_FALSE(report(R"("handedOver":false,"error":"c\u001b is dead")").contains('\033'));
}

TEST_CASE("what is no report") {
  for (const char* text : {"", "this node is a replica", "{}", R"({"handedOver":true})"}) {
    CHECK_FALSE(failover_report(text));
  }
}

}  // namespace
}  // namespace skerry::app
