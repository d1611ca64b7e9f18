// Files of other programs: what they hold is known from the databases that they were made of.
#include <doctest/doctest.h>

#include <fstream>

#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "tests/support/files.h"
#include "tests/support/ltx_model.h"
#include "tests/support/sqlite.h"

namespace skerry::ltx {
namespace {

using test::ModelDatabase;

const std::vector<std::string> kDatabases = {"p512", "p1024-autovacuum", "p4096", "p4096-wal",
                                             "p65536"};

std::string golden_checksum(const std::string& database) {
  std::ifstream in(test::golden("ltx3/checksums.txt"));
  std::string name;
  for (std::string checksum; in >> name >> checksum;) {
    if (name == database + ".db") return checksum;
  }
  return "none";
}

Verified apply_file(ModelDatabase& database, ByteView file) {
  MemorySource source(file);
  Decoder decoder(source);
  auto verified = database.apply(decoder);
  if (!verified) FAIL(verified.error().message());
  CHECK(decoder.bytes() == file.size());
  return *verified;
}

TEST_CASE("a snapshot of the reference tool holds the database") {
  for (const std::string& name : kDatabases) {
    CAPTURE(name);
    const Bytes content = test::gunzip_file(test::golden("ltx3/" + name + ".db.gz"));
    const Bytes file = test::read_file(test::golden("ltx3/" + name + ".snapshot.ltx"));
    MemorySource source(file);
    const size_t page_bytes = verify(source).value().header.page_size.bytes();
    ModelDatabase database(page_bytes);
    const Verified verified = apply_file(database, file);
    CHECK(database == ModelDatabase(page_bytes, content));
    CHECK(to_string(verified.trailer.post_apply_checksum) == golden_checksum(name));
    CHECK(to_string(database.checksum()) == golden_checksum(name));
  }
}

TEST_CASE("a snapshot of the reference tool is written again") {
  for (const std::string& name : kDatabases) {
    CAPTURE(name);
    const Bytes file = test::read_file(test::golden("ltx3/" + name + ".snapshot.ltx"));
    MemorySource source(file);
    const Header header = verify(source).value().header;
    ModelDatabase database(header.page_size.bytes());
    const Verified original = apply_file(database, file);
    const Bytes again =
        test::encode_file(header, database.all_pages(), original.trailer.post_apply_checksum);
    ModelDatabase copy(header.page_size.bytes());
    const Verified verified = apply_file(copy, again);
    CHECK(copy == database);
    CHECK(verified.header == original.header);
    CHECK(verified.trailer.post_apply_checksum == original.trailer.post_apply_checksum);
  }
}

TEST_CASE("pages that are LZ4 frames, of the reference library up to 0.5.0") {
  for (const std::string name : {"p512", "p4096-wal", "p65536"}) {
    CAPTURE(name);
    const Bytes content = test::gunzip_file(test::golden("ltx3/" + name + ".db.gz"));
    const Bytes file = test::read_file(test::golden("ltx3-frames/" + name + ".snapshot.ltx"));
    MemorySource source(file);
    ModelDatabase database(verify(source).value().header.page_size.bytes());
    apply_file(database, file);
    CHECK(database.content() == content);
    CHECK(to_string(database.checksum()) == golden_checksum(name));
  }
}

TEST_CASE("Litestream's files, which have no checksums, give its table back") {
  ModelDatabase database(4096);
  uint64_t txid = 0;
  for (const auto& path : test::files_in(test::unpacked("replica/ltx/0"), ".ltx")) {
    CAPTURE(path);
    const Verified verified = apply_file(database, test::read_file(path));
    CHECK_FALSE(verified.header.has_checksums());
    CHECK(verified.trailer.post_apply_checksum == Checksum(0));
    CHECK(verified.header.min_txid == Txid(++txid));
    CHECK(verified.header.max_txid == Txid(txid));
  }
  CHECK(txid == 10);
  const test::ScratchDir directory;
  test::write_file(directory / "db", database.content());
  test::Sqlite sqlite(directory / "db");
  CHECK(sqlite.query("PRAGMA integrity_check") == "ok");
  CHECK(sqlite.number("SELECT count(*) FROM t") == 4);
  CHECK(sqlite.number("SELECT sum(length(v)) FROM t") == 824);
}

}  // namespace
}  // namespace skerry::ltx
