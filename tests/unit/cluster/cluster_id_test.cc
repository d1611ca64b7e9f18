#include "daemon/cluster/cluster_id.h"

#include <doctest/doctest.h>

#include "daemon/os/posix_file_system.h"
#include "tests/support/temp_folder.h"

namespace skerry::cluster {
namespace {

struct Fixture {
  test::TempFolder folder;
  os::PosixFileSystem fs;
  std::string dir = folder.path(".");

  std::string file() {
    const auto content = os::read_file(fs, os::Site("test"), folder.path("clusterid"), 100);
    REQUIRE(content);
    return std::string(as_text(*content));
  }
};

TEST_CASE("the first primary makes a cluster id up, and keeps it") {
  Fixture f;
  ClusterId id(f.fs, f.dir);
  REQUIRE(id.load());
  CHECK(id.get().empty());
  REQUIRE(id.ensure());
  const std::string made = id.get();
  CHECK(is_cluster_id(made));
  CHECK(f.file() == made + "\n");
  REQUIRE(id.ensure());
  CHECK(id.get() == made);
  ClusterId again(f.fs, f.dir);
  REQUIRE(again.load());
  CHECK(again.get() == made);
}

TEST_CASE("a replica adopts its primary's, and no other after it") {
  Fixture f;
  ClusterId id(f.fs, f.dir);
  CHECK_FALSE(id.adopt("LFSC0123456789abcdef"));
  REQUIRE(id.adopt("LFSC0123456789ABCDEF"));
  CHECK(f.file() == "LFSC0123456789ABCDEF\n");
  CHECK(id.adopt("LFSC0123456789ABCDEF"));
  const Status other = id.adopt("LFSC0000000000000000");
  REQUIRE_FALSE(other);
  CHECK(other.error().message().contains("belongs to the cluster LFSC0123456789ABCDEF"));
  CHECK(id.get() == "LFSC0123456789ABCDEF");
}

TEST_CASE("a file that people wrote is taken as it is, or refused") {
  Fixture f;
  (void)f.folder.write("clusterid", "LFSC00000000000000FF");
  ClusterId id(f.fs, f.dir);
  REQUIRE(id.load());
  CHECK(id.get() == "LFSC00000000000000FF");
  for (const char* wrong : {"", "\n", "LFSC", "lfsc0123456789ABCDEF", "LFSC0123456789ABCDEF0"}) {
    CAPTURE(wrong);
    (void)f.folder.write("clusterid", wrong);
    CHECK(ClusterId(f.fs, f.dir).load().error().code() == Errc::kCorrupt);
  }
}

}  // namespace
}  // namespace skerry::cluster
