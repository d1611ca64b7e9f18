#include "daemon/app/mount/mount_table.h"

#include <doctest/doctest.h>

namespace skerry::app {
namespace {

constexpr const char* kInfo =
    "22 27 0:20 / /sys rw,nosuid - sysfs sysfs rw\n"
    "90 27 0:41 / /data rw shared:5 master:1 - fuse.skerry skerry:/var/lib/litefs rw,user_id=0\n"
    "91 27 0:42 / /with\\040blank\\134 rw - fuse.skerry skerry:/a\\040b rw\n"
    "92 27 0:43 / /data rw - tmpfs tmpfs rw\n"
    "damaged\n";

TEST_CASE("finds the innermost mount on a folder") {
  const auto found = find_mount_in(kInfo, "/data");
  REQUIRE(found.has_value());
  CHECK(found->type == "tmpfs");
  CHECK(found->device_minor == 43);
  CHECK_FALSE(find_mount_in(kInfo, "/dat").has_value());
  CHECK_FALSE(find_mount_in("", "/data").has_value());
}

TEST_CASE("reads names with blanks") {
  const auto found = find_mount_in(kInfo, "/with blank\\");
  REQUIRE(found.has_value());
  CHECK(found->source == "skerry:/a b");
  CHECK(found->device_minor == 42);
}

}  // namespace
}  // namespace skerry::app
