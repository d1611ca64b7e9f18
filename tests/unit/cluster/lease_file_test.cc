#include "daemon/cluster/lease_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "daemon/os/posix_file_system.h"
#include "tests/support/temp_folder.h"

namespace skerry::cluster {
namespace {

TEST_CASE("the highest epoch and the last holder survive the process") {
  const test::TempFolder folder;
  os::PosixFileSystem fs;
  const std::string dir = folder.path("");
  {
    LeaseFile file(fs, dir);
    REQUIRE(file.load());
    CHECK(file.seen() == Epoch(0));
    CHECK_FALSE(file.predecessor());
    REQUIRE(file.raise(Epoch(7), {}));
    CHECK_FALSE(file.predecessor());
    REQUIRE(file.raise(Epoch(9), NodeId(0xabc)));
    REQUIRE(file.raise(Epoch(8), {}));  // lower: not news
  }
  LeaseFile file(fs, dir);
  REQUIRE(file.load());
  CHECK(file.seen() == Epoch(9));
  CHECK(file.predecessor() == NodeId(0xabc));
  REQUIRE(file.raise(Epoch(20), {}));  // somebody else's
  LeaseFile again(fs, dir);
  REQUIRE(again.load());
  CHECK(again.seen() == Epoch(20));
  CHECK(again.predecessor() == NodeId(0xabc));
}

TEST_CASE("a copy of the folder, or another boot, proves nothing about the holder") {
  const test::TempFolder folder;
  const test::TempFolder copy;
  os::PosixFileSystem fs;
  LeaseFile file(fs, folder.path(""));
  REQUIRE(file.raise(Epoch(9), NodeId(0xabc)));
  std::filesystem::copy_file(folder.path("lease"), copy.path("lease"));
  LeaseFile copied(fs, copy.path(""));
  REQUIRE(copied.load());
  CHECK(copied.seen() == Epoch(9));
  CHECK_FALSE(copied.predecessor());

  std::ofstream(folder.path("lease")) << "skerry-lease 1\nepoch 9\nholder 0000000000000abc\n"
                                         "place 00000000-0000-0000-0000-000000000000 1:2\n";
  LeaseFile rebooted(fs, folder.path(""));
  REQUIRE(rebooted.load());
  CHECK_FALSE(rebooted.predecessor());
}

TEST_CASE("a file that this program did not write is refused with what to do") {
  for (const char* text : {"", "epoch 9\n", "skerry-lease 2\nepoch 9\n", "skerry-lease 1\n",
                           "skerry-lease 1\nepoch nine\n", "skerry-lease 1\nepoch 9x\n"}) {
    CAPTURE(std::string(text));
    const test::TempFolder folder;
    os::PosixFileSystem fs;
    std::ofstream(folder.path("lease")) << text;
    LeaseFile file(fs, folder.path(""));
    const Status loaded = file.load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == Errc::kCorrupt);
    CHECK(loaded.error().message().find("remove the file") != std::string::npos);
  }
}

}  // namespace
}  // namespace skerry::cluster
