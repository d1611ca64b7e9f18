// The data folder on a disk of a few megabytes (a tmpfs; skipped where none can be mounted):
// writers are refused with SQLITE_FULL, nothing is lost, and they go on when there is room again.

#include <doctest/doctest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "daemon/db/retention.h"
#include "tests/crash/node.h"

namespace skerry::test {
namespace {

class SmallDisk {
 public:
  explicit SmallDisk(const char* size) : path_(dir_.path() + "/disk") {
    std::filesystem::create_directory(path_);
    const std::string options = std::string("size=") + size;
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  void put_ballast(size_t bytes) const {
    std::ofstream out(path_ + "/ballast", std::ios::binary);
    const std::string block(4096, 'b');
    for (size_t n = 0; n < bytes; n += block.size()) out << block;
  }
  void remove_ballast() const { std::filesystem::remove(path_ + "/ballast"); }

 private:
  TempDir dir_;
  const std::string path_;
  bool mounted_ = false;
};

TEST_CASE("a full disk refuses with SQLITE_FULL, loses nothing, and is got over") {
  for (size_t i = 0; i < 2 * modes().size(); ++i) {
    const Mode& mode = modes()[i / 2];
    const bool history_gives_way = i % 2 == 0;
    CAPTURE(mode.name);
    CAPTURE(history_gives_way);
    const SmallDisk disk("14m");
    if (!disk.mounted()) {
      MESSAGE("skipped: no tmpfs can be mounted here");
      return;
    }
    uint8_t boot = 1;
    CrashNode node(disk.path(), mode, boot);
    REQUIRE(node.run({Act::kSql, "create table t(id integer primary key, v)"}) == SQLITE_OK);
    disk.put_ballast(4 << 20);
    const Step insert{Act::kSql,
                      "with recursive n(i) as (select 1 union all select i+1 from n where i<50) "
                      "insert into t(v) select randomblob(900) from n"};
    std::string before = node.digest();
    int refused = 0;
    for (int n = 0; n < 2000 && refused < 5; ++i) {
      const int code = node.run(insert);
      const std::string now = node.digest();
      if (code == SQLITE_OK) {
        CHECK(now != before);
      } else {
        CHECK(code == SQLITE_FULL);
        CHECK(now == before);
        ++refused;
      }
      before = now;
    }
    REQUIRE(refused == 5);
    CHECK(node.inconsistency() == "");

    SUBCASE("when somebody makes room") {
      disk.remove_ballast();
    }
    SUBCASE("when the history gives way") {
      REQUIRE(node.make_room() > 0);
    }
    CHECK(node.run(insert) == SQLITE_OK);
    CHECK(node.inconsistency() == "");
    const std::string last = node.digest();
    REQUIRE(node.run({Act::kDie, {}}) == SQLITE_OK);
    CHECK(node.digest() == last);
    CHECK(node.inconsistency() == "");
  }
}

TEST_CASE("a transaction larger than the disk is refused whole, and the next one fits") {
  for (const Mode& mode : modes()) {
    CAPTURE(mode.name);
    const SmallDisk disk("8m");
    if (!disk.mounted()) return;
    uint8_t boot = 1;
    CrashNode node(disk.path(), mode, boot);
    REQUIRE(node.run({Act::kSql, "create table t(id integer primary key, v)"}) == SQLITE_OK);
    const std::string before = node.digest();
    for (int i = 0; i < 3; ++i) {
      CHECK(node.run({Act::kSql, "insert into t(v) values(randomblob(9000000))"}) == SQLITE_FULL);
      CHECK(node.digest() == before);
      CHECK(node.inconsistency() == "");
    }
    CHECK(node.run({Act::kSql, "insert into t(v) values(randomblob(9000))"}) == SQLITE_OK);
    CHECK(node.inconsistency() == "");
  }
}

}  // namespace
}  // namespace skerry::test
