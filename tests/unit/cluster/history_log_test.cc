#include "daemon/cluster/history_log.h"

#include <doctest/doctest.h>

#include "daemon/os/posix_file_system.h"
#include "tests/support/capture_fixture.h"

namespace skerry::cluster {
namespace {

lease::LeaseState state(const std::string& primary, uint64_t epoch, bool self,
                        const std::string& reason) {
  lease::LeaseState s;
  s.is_primary = self;
  s.epoch = Epoch(epoch);
  if (!primary.empty()) s.primary = lease::PrimaryInfo{primary, "http://" + primary};
  s.phase = self ? lease::Phase::kPrimary : lease::Phase::kFollowing;
  s.reason = reason;
  return s;
}

TEST_CASE("reigns begin and end where the primary changes, with the reason") {
  test::TempDir dir;
  os::PosixFileSystem fs;
  HistoryLog log(fs, dir.path());
  REQUIRE(log.note(state("", 0, false, "looking"), 1000).has_value());
  REQUIRE(log.note(state("a", 7, true, "took it"), 2000).has_value());
  REQUIRE(log.note(state("a", 7, true, "another reason"), 2500).has_value());
  REQUIRE(log.note(state("", 7, false, "the session is gone"), 3000).has_value());
  REQUIRE(log.note(state("b", 9, false, "b has it"), 4000).has_value());
  // Another process writes on, whatever the last one was in the midst of.
  REQUIRE(HistoryLog(fs, dir.path()).note(state("b", 9, false, "still"), 5000).has_value());
  const auto entries = read_history(fs, dir.path()).value();
  CHECK(entries.size() == 5);
  CHECK(reigns_of(entries) ==
        std::vector<Reign>{{"a", "http://a", Epoch(7), true, 2000, 3000, "the session is gone"},
                           {"b", "http://b", Epoch(9), false, 4000, {}, ""}});
}

TEST_CASE("the log is bounded, and keeps the newest") {
  test::TempDir dir;
  os::PosixFileSystem fs;
  HistoryLog log(fs, dir.path());
  const std::string reason(900, 'r');
  for (uint64_t i = 0; i < 600; ++i) {
    REQUIRE(log.note(state("node", i, false, reason), static_cast<int64_t>(i)).has_value());
  }
  CHECK(fs.info(dir.path() + "/history")->bytes < HistoryLog::kBytesMax + 2000);
  const auto entries = read_history(fs, dir.path()).value();
  REQUIRE(entries.size() > 100);
  CHECK(entries.back().epoch == Epoch(599));
  for (size_t i = 1; i < entries.size(); ++i) {
    CHECK(entries[i].epoch.value() == entries[i - 1].epoch.value() + 1);
  }
}

TEST_CASE("lines that are none are left out") {
  for (const char* line : {"", "{", "[]", "{}", "7", R"({"ms":"x"})"}) {
    CAPTURE(line);
    CHECK_FALSE(decode_history(line).has_value());
  }
}

}  // namespace
}  // namespace skerry::cluster
