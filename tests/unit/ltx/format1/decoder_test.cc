#include "ltx/format1/decoder.h"

#include <doctest/doctest.h>

#include "ltx/decoder.h"
#include "tests/support/files.h"
#include "tests/support/ltx_model.h"
#include "tests/support/sqlite.h"

namespace skerry::ltx {
namespace {

using test::ModelDatabase;

Result<Verified> verify1(ByteView file) {
  MemorySource source(file);
  format1::Decoder decoder(source);
  return verify(decoder);
}

Result<Verified> apply_file(ModelDatabase& database, ByteView file) {
  MemorySource source(file);
  format1::Decoder decoder(source);
  return database.apply(decoder);
}

// Applies all files of a LiteFS database, each from the state in which its predecessor ends.
Position replay(const std::filesystem::path& folder, ModelDatabase& database) {
  Position position;
  for (const auto& path : test::files_in(folder / "ltx", ".ltx")) {
    CAPTURE(path);
    const Bytes file = test::read_file(path);
    MemorySource source(file);
    format1::Decoder decoder(source);
    auto applied = database.apply(decoder);
    if (!applied) FAIL(applied.error().message());
    CHECK(decoder.bytes() == file.size());
    CHECK(applied->header.pre_apply_position() == position);
    CHECK(applied->header.flags == 0);
    CHECK(applied->header.epoch == Epoch(0));
    position = {applied->header.max_txid, applied->trailer.post_apply_checksum};
    CHECK(database.checksum() == position.checksum);
  }
  return position;
}

TEST_CASE("LiteFS's folders replay to its databases") {
  for (const std::string folder : {"data", "data-lz4"}) {
    CAPTURE(folder);
    ModelDatabase wal(4096);
    ModelDatabase del(4096);
    const auto databases = test::unpacked(folder) / "dbs";
    CHECK(to_string(replay(databases / "wal.db", wal)) == "0000000000000018/c84ba9b1ffc23f29");
    CHECK(to_string(replay(databases / "del.db", del)) == "0000000000000016/fc1ff68a169c4499");
    CHECK(wal.content() == test::read_file(databases / "wal.db" / "database"));
    CHECK(del.content() == test::read_file(databases / "del.db" / "database"));
  }
}

TEST_CASE("what LiteFS left is the database that it says") {
  const test::ScratchDir directory;
  ModelDatabase database(4096);
  replay(test::unpacked("data-lz4") / "dbs" / "wal.db", database);
  test::write_file(directory / "wal.db", database.content());
  test::Sqlite sqlite(directory / "wal.db");
  CHECK(sqlite.number("SELECT count(*) FROM t") == 64);
  CHECK(sqlite.number("SELECT sum(length(v)) FROM t") == 16491);
}

TEST_CASE("format 1 is not format 3, and the reverse") {
  const Bytes old =
      test::read_file(test::unpacked("data/dbs/wal.db/ltx/0000000000000003-0000000000000003.ltx"));
  MemorySource source(old);
  CHECK(verify(source).error().code() == Errc::kCorrupt);
  const Bytes current = test::read_file(test::golden("ltx3/p512.snapshot.ltx"));
  CHECK(verify1(current).error().code() == Errc::kCorrupt);
}

// A flipped bit within compressed pages may leave their content as it was, but never change it.
TEST_CASE("a damaged file of format 1 is refused, or the damage changes nothing") {
  for (const std::string folder : {"data", "data-lz4"}) {
    CAPTURE(folder);
    const Bytes file = test::read_file(
        test::unpacked(folder + "/dbs/wal.db/ltx/0000000000000002-0000000000000002.ltx"));
    ModelDatabase expected(4096);
    REQUIRE(apply_file(expected, file));
    for (size_t n = 0; n < file.size(); ++n) {
      CAPTURE(n);
      CHECK_FALSE(verify1(ByteView(file).first(n)));
      Bytes damaged = file;
      damaged[n] ^= std::byte{0x10};
      ModelDatabase database(4096);
      if (!apply_file(database, damaged)) continue;
      CHECK(folder == "data-lz4");
      CHECK(database == expected);
    }
    Bytes longer = file;
    longer.push_back(std::byte{0});
    CHECK_FALSE(verify1(longer));
  }
}

}  // namespace
}  // namespace skerry::ltx
