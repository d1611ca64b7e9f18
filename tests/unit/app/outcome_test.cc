#include "daemon/app/client/outcome.h"

#include <doctest/doctest.h>

namespace skerry::app {
namespace {

using namespace std::chrono_literals;

TEST_CASE("success is told as LiteFS tells it") {
  CHECK(success_line("Import", "x", 1'240ms) == "Import of database \"x\" in 1.2s\n");
  CHECK(success_line("Export", "a\"b", 83'450ms) == "Export of database \"a\\\"b\" in 1m23.5s\n");
  CHECK(success_line("Export", "x", 12'345us) == "Export of database \"x\" in 12ms\n");
  CHECK(success_line("Export", "x", 3us) == "Export of database \"x\" in 1ms\n");
}

TEST_CASE("a failure is the message, on stderr") {
  const Output output = failure({Errc::kNotFound, "database not found: x"});
  CHECK(output.exit_code == 1);
  CHECK(output.out.empty());
  CHECK(output.err == "ERROR: database not found: x\n");
}

}  // namespace
}  // namespace skerry::app
